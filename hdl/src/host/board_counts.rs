//! Gathers the pulses of all composites into the counters' bit vector.
//!
//! ```text
//!  one named pulse a counter --> counts (bit i: counter 16 + i)
//! ```
//! Wires only, written as Verilog by hand so that every bit number comes from `rnic_abi::step::Counter`.

use rnic_abi::step::{Counter, STEPS};
use rust_hdl::prelude::*;

macro_rules! pulses {
    ($($field:ident $counter:ident,)*) => {
        /// See the module. Each field is the pulse of the counter of its name.
        #[derive(LogicBlock, Default)]
        pub struct BoardCounts {
            $(pub $field: Signal<In, Bit>,)*
            pub counts: Signal<Out, Bits<28>>,
        }

        impl Logic for BoardCounts {
            fn update(&mut self) {
                let mut counts = 0_u64;
                $(counts |= u64::from(self.$field.val()) << (Counter::$counter.index() - STEPS);)*
                self.counts.next = counts.into();
            }

            fn connect(&mut self) {
                self.counts.connect();
            }

            fn hdl(&self) -> Verilog {
                let mut bits = vec!["1'b0"; 28];
                $(bits[Counter::$counter.index() - STEPS] = stringify!($field);)*
                bits.reverse();
                Verilog::Custom(format!("always @(*) counts = {{{}}};", bits.join(", ")))
            }
        }
    };
}

pulses! {
    link_header_errors LinkHeaderErrors,
    link_duplicates LinkDuplicates,
    link_gaps LinkGaps,
    link_retransmits LinkRetransmits,
    link_unknown_vi LinkUnknownVi,
    mpa_crc_errors MpaCrcErrors,
    ddp_errors DdpErrors,
    rdmap_errors RdmapErrors,
    remote_protection_errors RemoteProtectionErrors,
    local_protection_errors LocalProtectionErrors,
    invalidate_refusals InvalidateRefusals,
    receive_queue_empty ReceiveQueueEmpty,
    terminates_sent TerminatesSent,
    terminates_received TerminatesReceived,
    command_errors CommandErrors,
    ring_errors RingErrors,
    queue_overruns QueueOverruns,
    cq_overflows CqOverflows,
    raw_received RawReceived,
    raw_dropped RawDropped,
    acks_sent AcksSent,
    timeouts Timeouts,
    flushed Flushed,
}
