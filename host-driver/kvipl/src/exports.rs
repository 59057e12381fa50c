//! The calls of the library: ordinals of kvipl.def (seed 003 section 7.2), sections of the document, and every code that it
//! lists for each. `kvipl.def` and the tests of the plan and of the symbols are made from this table.
//!
//! A handle that is not in use is answered with `KVIP_INVALID_PARAMETER` by every call, whether the document lists it or not
//! (it checks no handles); that is not repeated here.

use crate::codes::KvipReturn;

/// One call.
///
/// ```
/// use kvipl::exports::CALLS;
/// assert_eq!((CALLS[10].name, CALLS[10].ordinal, CALLS[10].section), ("KvipDisconnect", 11, "3.3.7"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its symbol.
    pub name: &'static str,
    /// Its number in kvipl.def.
    pub ordinal: u16,
    /// Section of seed 003.
    pub section: &'static str,
    /// Every return code listed there.
    pub returns: &'static [KvipReturn],
}

/// Calls that the document's own definition file has; the others got the ordinals behind them.
pub const CALLS_OF_THE_DOCUMENT: usize = 38;

macro_rules! calls {
    ($($ordinal:literal $name:literal $section:literal: $($code:ident)*;)*) => {
        /// Every call, in the order of the ordinals.
        pub const CALLS: &[Call] = &[$(Call {
            name: concat!("Kvip", $name),
            ordinal: $ordinal,
            section: $section,
            returns: &[$(KvipReturn::$code,)*],
        },)*];
    };
}
calls! {
    1 "OpenNic" "3.1.1": Success ErrorResource InvalidParameter;
    2 "CloseNic" "3.1.2": Success;
    3 "CreateVi" "3.2.1": Success ErrorResource InvalidReliabilityLevel InvalidMtu InvalidQos InvalidPtag InvalidRdmaRead;
    4 "DestroyVi" "3.2.2": Success InvalidState ErrorResource;
    5 "ConnectServerRequest" "3.3.1": Success InvalidParameter ErrorResource;
    6 "ConnectServerDone" "3.3.2": Success Timeout NotDone;
    7 "ConnectClientRequest" "3.3.3": Success InvalidParameter ErrorResource;
    8 "ConnectClientDone" "3.3.4": Success Reject Timeout InvalidParameter NotDone NoMatch NotReachable;
    9 "ConnectAccept" "3.3.5": Success InvalidReliabilityLevel InvalidMtu InvalidQos Timeout ErrorResource InvalidState NotReachable;
    10 "ConnectReject" "3.3.6": Success ErrorResource NotReachable;
    11 "Disconnect" "3.3.7": Success ErrorResource;
    12 "ConnectPeerRequest" "3.3.8": Success ErrorResource InvalidState InvalidParameter;
    13 "ConnectPeerDone" "3.3.9": Success InvalidReliabilityLevel InvalidMtu InvalidQos Timeout NotDone ErrorResource InvalidState NotReachable;
    14 "CreatePtag" "3.4.1": Success ErrorResource;
    15 "DestroyPtag" "3.4.2": Success ErrorResource;
    16 "RegisterMem" "3.4.3": Success ErrorResource InvalidParameter InvalidPtag InvalidRdmaRead;
    17 "DeregisterMem" "3.4.4": Success InvalidParameter ErrorResource;
    18 "RegisterPhysPages" "3.4.5": Success ErrorResource InvalidParameter InvalidPtag InvalidRdmaRead;
    19 "DeregisterPhysPages" "3.4.6": Success InvalidParameter ErrorResource;
    20 "PostSend" "3.5.1": Success;
    21 "SendDone" "3.5.2": Success DescriptorError NotDone;
    22 "RearmSend" "3.5.3": Success InvalidParameter ErrorResource;
    23 "PostRecv" "3.5.4": Success;
    24 "RecvDone" "3.5.5": Success DescriptorError NotDone;
    25 "RearmRecv" "3.5.6": Success InvalidParameter ErrorResource;
    26 "CQDone" "3.5.7": Success NotDone;
    27 "RearmCQ" "3.5.8": Success InvalidParameter ErrorResource;
    28 "CreateCQ" "3.6.1": Success ErrorResource;
    29 "DestroyCQ" "3.6.2": Success ErrorResource;
    30 "ResizeCQ" "3.6.3": Success ErrorResource;
    31 "QueryNic" "3.7.1": Success ErrorResource;
    32 "SetViAttributes" "3.7.2": Success InvalidState InvalidReliabilityLevel InvalidMtu InvalidQos InvalidPtag InvalidRdmaRead ErrorResource;
    33 "QueryVi" "3.7.3": Success ErrorResource;
    34 "SetMemAttributes" "3.7.4": Success InvalidPtag InvalidRdmaRead ErrorResource;
    35 "QueryMem" "3.7.5": Success ErrorResource;
    36 "QuerySystemManagementInfo" "3.7.6": Success;
    37 "ErrorNotificationDone" "3.8.1": Success ErrorResource NotDone InvalidParameter;
    38 "RearmErrorNotification" "3.8.2": Success InvalidParameter ErrorResource;
    39 "SetViContext" "3.9.1": Success InvalidParameter;
    40 "GetViContext" "3.9.2": Success InvalidParameter ErrorResource;
}

/// The text of `kvipl.def`.
///
/// ```
/// let text = kvipl::exports::definition_file();
/// assert!(text.starts_with("LIBRARY kvipl\n") && text.contains("KvipPostSend @20\n"));
/// ```
pub fn definition_file() -> String {
    let calls = CALLS
        .iter()
        .map(|call| format!("{} @{}\n", call.name, call.ordinal));
    format!("LIBRARY kvipl\nEXPORTS\n{}", calls.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_count_from_one() {
        assert_eq!(CALLS.len(), 40);
        for (index, call) in CALLS.iter().enumerate() {
            assert_eq!(usize::from(call.ordinal), index + 1, "{}", call.name);
            assert_eq!(call.returns[0], KvipReturn::Success, "{}", call.name);
        }
        let context = CALLS[CALLS_OF_THE_DOCUMENT..].iter().map(|call| call.name);
        assert_eq!(
            context.collect::<Vec<_>>(),
            ["KvipSetViContext", "KvipGetViContext"]
        );
    }

    #[test]
    fn the_definition_file_is_as_generated() {
        let kept = include_str!("../kvipl.def");
        assert_eq!(
            kept,
            definition_file(),
            "cargo run -p kvipl --example definition_file > host-driver/kvipl/kvipl.def"
        );
    }
}
