//! What a command completion says when it failed, and the Terminate codes of the standards.

macro_rules! codes {
    ($(#[$meta:meta])* $type:ident { $($number:literal $ident:ident $doc:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $type { $(#[doc = $doc] $ident = $number,)* }
        impl $type {
            /// All values.
            pub const ALL: &'static [$type] = &[$($type::$ident,)*];
            /// The value of a code, if it is one.
            pub const fn from_code(code: u8) -> Option<$type> { match code { $($number => Some($type::$ident),)* _ => None } }
            /// What it means.
            pub const fn doc(self) -> &'static str { match self { $($type::$ident => $doc,)* } }
        }
    };
}
codes! {
    /// Error byte of a CQE (`completion::ERROR_SHIFT`).
    ///
    /// ```
    /// use rnic_abi::error::CommandError;
    /// assert_eq!(CommandError::from_code(2), Some(CommandError::EntryBusy));
    /// ```
    CommandError {
        0 None "no error";
        1 BadField "a field holds a value this board cannot take; the CQE's status word names it";
        2 EntryBusy "the TPT entry is already valid, or has unacknowledged data";
        3 NoElements "not enough free scatter-gather elements";
        4 AlreadyReleased "the STag is not bound (any more)";
        5 QueueFull "the VI's queue is full";
        6 CqFull "the completion queue has no entry left to reserve; this CQE is in CQ 0";
        7 ViState "the VI is not in a state that allows this";
        8 WrongVi "the STag belongs to another VI or protection tag";
        9 Flushed "the VI went into error or was disconnected before the operation ended";
        10 DmaRead "the bus refused a read";
        11 LengthMismatch "the elements' lengths do not sum to the region's";
        12 TooLong "the message is longer than the buffer";
        13 Protection "the TPT refused a local access";
    }
}
codes! {
    /// Which field of a command was refused: the low byte of the CQE's status word after `BadField`.
    ///
    /// ```
    /// use rnic_abi::error::Field;
    /// assert_eq!(Field::from_code(1), Some(Field::Opcode));
    /// ```
    Field {
        0 None "no field";
        1 Opcode "opcode";
        2 Flags "flags";
        3 Vi "vi";
        4 Stag "stag";
        5 Access "access";
        6 Kind "region kind or page shift";
        7 ElementCount "element count";
        8 Base "base tagged offset";
        9 Length "region length";
        10 Iova "iova";
        11 ReplyHandle "reply buffer handle";
        12 ReplyLength "reply buffer length";
        13 MessageLength "message length";
        14 Reserved "a reserved word is not zero";
        15 SlotCount "slot count of the ring entry";
        16 Cq "completion queue number";
        17 CqSize "completion queue size";
        18 Ptag "protection tag";
        19 State "VI state";
        20 Reliability "reliability level";
        21 ElementLength "an element's length";
        22 Reads "read depth (IRD or ORD)";
    }
}
codes! {
    /// Why the TPT refused an access.
    ///
    /// ```
    /// use rnic_abi::error::TptError;
    /// assert_eq!(TptError::from_code(0), Some(TptError::None));
    /// ```
    TptError {
        0 None "admitted";
        1 InvalidStag "index out of range, entry not valid, or key differs";
        2 Ptag "protection tag differs from the VI's";
        3 Vi "the entry is bound to another VI";
        4 Access "the region or the VI does not grant this right";
        5 Bounds "outside the region";
        6 Wrap "offset plus length wraps around 2^64";
        7 Fired "a single_message region was used before";
    }
}

/// Terminate control word (RFC 5040 section 4.8): layer in bits 31:28, etype 27:24, code 23:16, header control bits 15:13.
pub mod terminate {
    /// RDMAP, remote protection error, invalid STag.
    pub const RDMAP_INVALID_STAG: u16 = 0x0100;
    /// RDMAP, base or bounds violation.
    pub const RDMAP_BOUNDS: u16 = 0x0101;
    /// RDMAP, access rights violation.
    pub const RDMAP_ACCESS: u16 = 0x0102;
    /// RDMAP, STag not associated with the stream.
    pub const RDMAP_NOT_ASSOCIATED: u16 = 0x0103;
    /// RDMAP, tagged offset wrap.
    pub const RDMAP_WRAP: u16 = 0x0104;
    /// RDMAP, STag cannot be invalidated.
    pub const RDMAP_CANNOT_INVALIDATE: u16 = 0x0109;
    /// RDMAP, remote operation error, invalid RDMAP version.
    pub const RDMAP_VERSION: u16 = 0x0205;
    /// RDMAP, remote operation error, unexpected opcode.
    pub const RDMAP_OPCODE: u16 = 0x0206;
    /// RDMAP, local catastrophic error.
    pub const RDMAP_CATASTROPHIC: u16 = 0x0000;
    /// DDP tagged buffer, invalid STag.
    pub const DDP_INVALID_STAG: u16 = 0x1100;
    /// DDP tagged buffer, base or bounds violation.
    pub const DDP_BOUNDS: u16 = 0x1101;
    /// DDP tagged buffer, STag not associated with the stream.
    pub const DDP_NOT_ASSOCIATED: u16 = 0x1102;
    /// DDP tagged buffer, tagged offset wrap.
    pub const DDP_WRAP: u16 = 0x1103;
    /// DDP tagged buffer, invalid DDP version.
    pub const DDP_TAGGED_VERSION: u16 = 0x1104;
    /// DDP untagged buffer, invalid QN.
    pub const DDP_QN: u16 = 0x1201;
    /// DDP untagged buffer, no buffer available.
    pub const DDP_NO_BUFFER: u16 = 0x1202;
    /// DDP untagged buffer, MSN out of range.
    pub const DDP_MSN: u16 = 0x1203;
    /// DDP untagged buffer, invalid MO.
    pub const DDP_MO: u16 = 0x1204;
    /// DDP untagged buffer, message too long for the buffer.
    pub const DDP_TOO_LONG: u16 = 0x1205;
    /// DDP untagged buffer, invalid DDP version.
    pub const DDP_UNTAGGED_VERSION: u16 = 0x1206;
    /// MPA, CRC error.
    pub const MPA_CRC: u16 = 0x2002;
}
