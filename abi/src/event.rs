//! Asynchronous events: sticky bits per VI, drained by the driver (`EVENTS` registers).

macro_rules! events {
    ($($number:literal $ident:ident $name:literal $doc:literal;)*) => {
        /// An event kind: the number of its sticky bit. The VIA error codes of seed 003 come first, in its order.
        ///
        /// ```
        /// use rnic_abi::event::Event;
        /// assert_eq!(Event::from_bit(1), Some(Event::ConnLost));
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Event { $(#[doc = $doc] $ident = $number,)* }
        impl Event {
            /// All events.
            pub const ALL: &'static [Event] = &[$(Event::$ident,)*];
            /// Its name.
            pub const fn name(self) -> &'static str { match self { $(Event::$ident => $name,)* } }
            /// The event of a bit.
            pub const fn from_bit(bit: u8) -> Option<Event> { match bit { $($number => Some(Event::$ident),)* _ => None } }
            /// The mask of its bit.
            pub const fn mask(self) -> u32 { 1 << self as u32 }
        }
    };
}
events! {
    0 PostDesc "post_desc" "a doorbell or one-shot found the queue full, or a doorbell's sequence was wrong";
    1 ConnLost "conn_lost" "the connection is gone: the VI is in error and its work has been flushed";
    2 RecvqEmpty "recvq_empty" "a message found no receive descriptor";
    3 ViOverrun "vi_overrun" "reserved for VIA's VI overrun on the receive side";
    4 RdmawProt "rdmaw_prot" "the peer's RDMA Write was refused by the TPT";
    5 RdmawData "rdmaw_data" "the peer's RDMA Write carried a bad CRC";
    6 RdmawAbort "rdmaw_abort" "the peer's RDMA Write was cut short";
    7 RdmarProt "rdmar_prot" "the peer's RDMA Read was refused by the TPT";
    8 CompProt "comp_prot" "a completion could not be written: full CQ or refused status write";
    9 Catastrophic "catastrophic" "the ring was written out of sequence or the bus refused a write";
    10 TerminateReceived "terminate_received" "the peer sent a Terminate";
    11 TerminateSent "terminate_sent" "this board sent a Terminate";
    12 RecvError "recv_error" "a received segment was malformed";
    13 SendError "send_error" "a send descriptor or message buffer was refused";
    14 InvalidateRefused "invalidate_refused" "a Send with Invalidate named an STag that this VI may not release";
    15 Timeout "timeout" "the peer did not acknowledge in time";
}
