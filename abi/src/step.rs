//! The steps of an operation. A step is a gateware file, a trace event and a counter of the same name.

macro_rules! steps {
    ($($number:literal $ident:ident $name:literal $doc:literal;)*) => {
        /// One step of the path.
        ///
        /// ```
        /// use rnic_abi::step::Step;
        /// assert_eq!(Step::from_number(11), Some(Step::Place));
        /// assert_eq!(Step::Place.name(), "place");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Step { $(#[doc = $doc] $ident = $number,)* }
        impl Step {
            /// All steps, in path order of their numbers.
            pub const ALL: &'static [Step] = &[$(Step::$ident,)*];
            /// The name shared by file, trace event and counter.
            pub const fn name(self) -> &'static str { match self { $(Step::$ident => $name,)* } }
            /// What the step does.
            pub const fn doc(self) -> &'static str { match self { $(Step::$ident => $doc,)* } }
            /// The step of a trace-mask bit.
            pub const fn from_number(number: u8) -> Option<Step> { match number { $($number => Some(Step::$ident),)* _ => None } }
        }
    };
}
steps! {
    0 CommandPost "command_post" "a ring entry with the expected sequence arrived";
    1 CommandFetch "command_fetch" "the command engine has decoded a slot";
    2 TptBind "tpt_bind" "a TPT entry became valid";
    3 PayloadRead "payload_read" "the last payload byte of a frame was read from its source";
    4 DdpInsert "ddp_insert" "the DDP and RDMAP header of a segment was written";
    5 MpaFrame "mpa_frame" "length, pad and CRC32c of an FPDU were written";
    6 LlpSend "llp_send" "the last word of a frame left";
    7 LlpReceive "llp_receive" "a frame with a good link header arrived in sequence";
    8 MpaCheck "mpa_check" "the CRC32c of an FPDU was good";
    9 DdpParse "ddp_parse" "the DDP and RDMAP header of a segment was parsed";
    10 TptCheck "tpt_check" "an access passed the translation and protection table";
    11 Place "place" "the last payload byte of a segment was handed to the bus";
    12 TptRelease "tpt_release" "an STag was de-associated and its elements freed";
    13 Complete "complete" "a CQE was handed to the bus";
    14 DescriptorFetch "descriptor_fetch" "a descriptor was fetched from host memory";
    15 Doorbell "doorbell" "a descriptor doorbell was committed";
}

/// Number of steps; counters 0 to 15 are the steps'.
pub const STEPS: usize = 16;

macro_rules! counters {
    ($($number:literal $ident:ident $name:literal $doc:literal;)*) => {
        /// A 64-bit counter that is not a step's.
        ///
        /// ```
        /// use rnic_abi::step::Counter;
        /// assert_eq!(Counter::ALL[0].index(), 16);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Counter { $(#[doc = $doc] $ident = $number,)* }
        impl Counter {
            /// All of them.
            pub const ALL: &'static [Counter] = &[$(Counter::$ident,)*];
            /// Its name.
            pub const fn name(self) -> &'static str { match self { $(Counter::$ident => $name,)* } }
            /// What it counts.
            pub const fn doc(self) -> &'static str { match self { $(Counter::$ident => $doc,)* } }
            /// Its index in the counter block of BAR0.
            pub const fn index(self) -> usize { self as usize }
        }
    };
}
counters! {
    16 LinkHeaderErrors "link_header_errors" "link frames dropped because their header check failed or they were truncated";
    17 LinkDuplicates "link_duplicates" "data frames received a second time, dropped and acknowledged again";
    18 LinkGaps "link_gaps" "data frames dropped because an earlier one is missing";
    19 LinkRetransmits "link_retransmits" "data frames sent again from the log";
    20 LinkUnknownVi "link_unknown_vi" "data frames dropped because their VI is not connected";
    21 MpaCrcErrors "mpa_crc_errors" "FPDUs with a bad CRC32c inside a good link frame";
    22 DdpErrors "ddp_errors" "segments with a bad version, queue number, sequence number, offset or length";
    23 RdmapErrors "rdmap_errors" "messages with a bad RDMAP version or opcode";
    24 RemoteProtectionErrors "remote_protection_errors" "tagged accesses of the peer refused by the TPT";
    25 LocalProtectionErrors "local_protection_errors" "local accesses, descriptors included, refused by the TPT";
    26 InvalidateRefusals "invalidate_refusals" "Send with Invalidate messages whose STag could not be released";
    27 ReceiveQueueEmpty "receive_queue_empty" "messages that found no receive descriptor";
    28 TerminatesSent "terminates_sent" "Terminate messages sent";
    29 TerminatesReceived "terminates_received" "Terminate messages received";
    30 CommandErrors "command_errors" "commands completed with an error";
    31 RingErrors "ring_errors" "ring entries dropped: wrong sequence or overflow";
    32 QueueOverruns "queue_overruns" "doorbells or one-shots dropped because their VI's queue was full";
    33 CqOverflows "cq_overflows" "CQEs lost because their queue was full";
    34 DmaReadErrors "dma_read_errors" "DMA reads answered with an error";
    35 DmaWriteErrors "dma_write_errors" "DMA writes the attachment reported as refused";
    36 RawReceived "raw_received" "raw frames delivered to the driver";
    37 RawDropped "raw_dropped" "raw frames dropped: no buffer, bad check or too long";
    38 AcksSent "acks_sent" "frames sent for their acknowledgement alone";
    39 Timeouts "timeouts" "retransmission timers expired";
    40 Flushed "flushed" "work flushed because its VI went into error or was disconnected";
    41 Interrupts "interrupts" "interrupt messages sent";
    42 DmaReads "dma_reads" "DMA read requests issued";
    43 DmaWrites "dma_writes" "DMA write bursts issued";
}

/// Number of counters in BAR0, those not named read as zero.
pub const COUNTERS: usize = 64;
