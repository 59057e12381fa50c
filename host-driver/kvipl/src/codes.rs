//! Every enum of the header, once: return codes, asynchronous errors, resources, VI states.
//!
//! The numbers are the enum order of seed 003's kvipl.h (section 7.1). A C `enum` has four bytes, so each is a `u32` here.

use rnic_abi::command::vi_state;

macro_rules! codes {
    ($(#[$meta:meta])* $type:ident $prefix:literal { $($ident:ident = $number:expr, $name:literal $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum $type { $(#[doc = $doc] $ident = $number,)* }
        impl $type {
            /// All values, in the order of their numbers.
            pub const ALL: &'static [$type] = &[$($type::$ident,)*];
            /// The value of a number, if it is one.
            pub fn from_number(number: u32) -> Option<$type> {
                Self::ALL.iter().copied().find(|&value| value as u32 == number)
            }
            /// Its name in C.
            pub const fn c_name(self) -> &'static str { match self { $($type::$ident => concat!($prefix, $name),)* } }
            /// What it means.
            pub const fn doc(self) -> &'static str { match self { $($type::$ident => $doc,)* } }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.c_name())
            }
        }
    };
}

codes! {
    /// What a call answers (`KVIP_RETURN`). `KVIP_INVALID_RDMAREAD` and `KVIP_INVALID_PARAM` are other names of two of them.
    ///
    /// ```
    /// use kvipl::KvipReturn;
    /// assert_eq!(KvipReturn::NotReachable as u32, 15);
    /// assert_eq!(KvipReturn::from_number(3).unwrap().to_string(), "KVIP_ERROR_RESOURCE");
    /// ```
    KvipReturn "KVIP_" {
        Success = 0, "SUCCESS" "done";
        NotDone = 1, "NOT_DONE" "nothing has completed yet";
        InvalidParameter = 2, "INVALID_PARAMETER" "a parameter, or a handle that is not in use";
        ErrorResource = 3, "ERROR_RESOURCE" "resources are missing, still in use, or out of reach";
        Timeout = 4, "TIMEOUT" "the time ran out before the connection was made";
        Reject = 5, "REJECT" "the peer rejected the connection";
        InvalidReliabilityLevel = 6, "INVALID_RELIABILITY_LEVEL" "not supported, or not the peer's";
        InvalidMtu = 7, "INVALID_MTU" "the maximum transfer size is not supported, or not the peer's";
        InvalidQos = 8, "INVALID_QOS" "the quality of service is not supported, or not the peer's";
        InvalidPtag = 9, "INVALID_PTAG" "no such protection tag";
        InvalidRdmaRead = 10, "INVALID_RDMA_READ" "this NIC has no RDMA Read";
        DescriptorError = 11, "DESCRIPTOR_ERROR" "the descriptor completed with an error, or the queue is empty";
        InvalidState = 12, "INVALID_STATE" "the VI is not in a state that allows this";
        ErrorNameservice = 13, "ERROR_NAMESERVICE" "of VIPL's name service; no call of KVIPL answers it";
        NoMatch = 14, "NO_MATCH" "the server is up and waits for no such discriminator";
        NotReachable = 15, "NOT_REACHABLE" "the network does not carry messages to the peer";
    }
}

codes! {
    /// An asynchronous error (`KVIP_ERROR_CODE`, section 3.1.1): what no descriptor can say.
    ///
    /// ```
    /// use kvipl::ErrorCode;
    /// assert_eq!(ErrorCode::ALL.len(), 11);
    /// assert_eq!(ErrorCode::from_number(9), Some(ErrorCode::RdmaTransport));
    /// ```
    ErrorCode "KVIP_ERROR_" {
        PostDesc = 0, "POST_DESC" "a descriptor was posted at an unusable address, or its link was changed";
        ConnLost = 1, "CONN_LOST" "the connection is gone, the VI is in the Error state";
        RecvqEmpty = 2, "RECVQ_EMPTY" "a message was dropped because the receive queue was empty";
        ViOverrun = 3, "VI_OVERRUN" "more descriptors were posted than the work queue holds";
        RdmawProt = 4, "RDMAW_PROT" "an incoming RDMA Write without immediate data was refused";
        RdmawData = 5, "RDMAW_DATA" "an incoming RDMA Write without immediate data was damaged";
        RdmawAbort = 6, "RDMAW_ABORT" "an incoming RDMA Write without immediate data was cut short";
        RdmarProt = 7, "RDMAR_PROT" "an incoming RDMA Read was refused";
        CompProt = 8, "COMP_PROT" "a completion could not be written, or the completion queue is out of reach";
        RdmaTransport = 9, "RDMA_TRANSPORT" "the transport failed on an incoming RDMA operation that takes no descriptor";
        Catastrophic = 10, "CATASTROPHIC" "the hardware failed";
    }
}

impl ErrorCode {
    /// Whether section 3.1.1 calls it a catastrophic hardware error.
    ///
    /// ```
    /// use kvipl::ErrorCode;
    /// assert!(ErrorCode::ViOverrun.is_catastrophic() && !ErrorCode::ConnLost.is_catastrophic());
    /// ```
    pub const fn is_catastrophic(self) -> bool {
        use ErrorCode::{Catastrophic, CompProt, PostDesc, ViOverrun};
        matches!(self, PostDesc | ViOverrun | CompProt | Catastrophic)
    }
}

codes! {
    /// Which handle of an error descriptor is meant (`KVIP_RESOURCE_CODE`).
    ///
    /// ```
    /// assert_eq!(kvipl::ResourceCode::Cq as u32, 2);
    /// ```
    ResourceCode "KVIP_RESOURCE_" {
        Nic = 0, "NIC" "the NIC";
        Vi = 1, "VI" "a VI";
        Cq = 2, "CQ" "a completion queue";
        Descriptor = 3, "DESCRIPTOR" "a descriptor of a VI";
    }
}

codes! {
    /// State of a VI (`KVIP_VI_STATE`), numbered as the board numbers it.
    ///
    /// ```
    /// assert_eq!(kvipl::ViState::ConnectPending as u32, 2);
    /// ```
    ViState "KVIP_STATE_" {
        Idle = vi_state::IDLE as u32, "IDLE" "not connected";
        Connected = vi_state::CONNECTED as u32, "CONNECTED" "traffic flows";
        ConnectPending = vi_state::CONNECT_PENDING as u32, "CONNECT_PENDING" "a connection is being made";
        Error = vi_state::ERROR as u32, "ERROR" "broken; only KvipDisconnect helps";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_order_of_the_header() {
        assert!(KvipReturn::ALL
            .iter()
            .enumerate()
            .all(|(i, &c)| c as usize == i));
        assert!(ErrorCode::ALL
            .iter()
            .enumerate()
            .all(|(i, &c)| c as usize == i));
        assert!(ResourceCode::ALL
            .iter()
            .enumerate()
            .all(|(i, &c)| c as usize == i));
        assert!(ViState::ALL
            .iter()
            .enumerate()
            .all(|(i, &c)| c as usize == i));
        assert_eq!(KvipReturn::ALL.len(), 16);
        assert_eq!(KvipReturn::from_number(16), None);
    }
}
