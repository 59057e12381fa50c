//! Every interface that joins two blocks, with the contract each side keeps.
//!
//! All streams are ready/valid: a word moves in a cycle in which both are high; valid never waits for ready, and data holds
//! while valid waits. Numbers have one width everywhere (VI, CQ and slot 8 bits, IOVA 48, byte counts 13); a block keeps
//! only the bits its configuration has. Names end in `Tx` for the side that drives the data and `Rx` for the other.

#![allow(missing_docs)] // the derive of LogicInterface writes undocumented items

use rust_hdl::prelude::*;

/// Writes both sides of an interface: fields before the `;` are driven by the `Tx` side, fields after it by the `Rx` side.
macro_rules! interface {
    ($(#[$meta:meta])* $tx:ident $txname:tt $rx:ident $rxname:tt {
        $($(#[$ometa:meta])* $of:ident: $ot:ty,)*
        $(; $($(#[$imeta:meta])* $bf:ident: $bt:ty,)*)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, LogicInterface)]
        #[join = $rxname]
        pub struct $tx {
            $($(#[$ometa])* pub $of: Signal<Out, $ot>,)*
            $($($(#[$imeta])* pub $bf: Signal<In, $bt>,)*)?
        }
        /// The other side.
        #[derive(Clone, Debug, Default, LogicInterface)]
        #[join = $txname]
        pub struct $rx {
            $(pub $of: Signal<In, $ot>,)*
            $($(pub $bf: Signal<Out, $bt>,)*)?
        }
    };
}

interface! {
    /// A 32-bit word stream; `last` ends a record. What the words mean is said where the stream is used.
    StreamTx "StreamTx" StreamRx "StreamRx" {
        /// The word; byte 0 of the wire or of memory is bits 7:0.
        data: Bits<32>,
        /// Last word of the record.
        last: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Host to board: one 32-bit access. An 8-byte store is two beats, low word first, nothing between.
    BarRequestTx "BarRequestTx" BarRequestRx "BarRequestRx" {
        /// BAR number: 0, 2 or 4.
        bar: Bits<3>,
        /// Byte offset in the BAR, a multiple of 4.
        offset: Bits<20>,
        /// Store, else load.
        write: Bit,
        /// Stored word.
        data: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Board to host: one beat per load, in order; the host always takes it.
    BarResponseTx "BarResponseTx" BarResponseRx "BarResponseRx" {
        /// Loaded word.
        data: Bits<32>,
        valid: Bit,
    }
}

interface! {
    /// Board to host: read `bytes` (1 to 4096) at byte address `iova`; never crosses 4 KiB.
    DmaReadRequestTx "DmaReadRequestTx" DmaReadRequestRx "DmaReadRequestRx" {
        /// Byte address.
        iova: Bits<48>,
        /// Byte count.
        bytes: Bits<13>,
        /// Reset epoch, comes back with the data.
        epoch: Bits<2>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Host to board: the aligned words that hold the bytes asked for, ceil((iova%4 + bytes)/4) of them, in request order. The board has reserved room: no ready. A refused read gives one beat with `error` and `last`.
    DmaReadDataTx "DmaReadDataTx" DmaReadDataRx "DmaReadDataRx" {
        /// Aligned word; bytes outside the request are undefined.
        data: Bits<32>,
        /// Last word of this request.
        last: Bit,
        /// The bus refused the read.
        error: Bit,
        /// Epoch of the request.
        epoch: Bits<2>,
        valid: Bit,
    }
}

interface! {
    /// Board to host: a posted write burst. `iova` and `bytes` hold for the whole burst; data are the aligned words that hold the bytes, as in a read. Never crosses 4 KiB.
    DmaWriteTx "DmaWriteTx" DmaWriteRx "DmaWriteRx" {
        /// Byte address.
        iova: Bits<48>,
        /// Byte count, 1 to 4096.
        bytes: Bits<13>,
        /// Aligned word.
        data: Bits<32>,
        /// Last word of the burst.
        last: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Board to host: send interrupt message `vector`.
    IrqTx "IrqTx" IrqRx "IrqRx" {
        vector: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// A block asks the DMA read arbiter; at most 4096 bytes, never across 4 KiB.
    ReadClientRequestTx "ReadClientRequestTx" ReadClientRequestRx "ReadClientRequestRx" {
        /// Byte address.
        iova: Bits<48>,
        /// Byte count.
        bytes: Bits<13>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// The arbiter's answer to one block: aligned words, in the block's request order; room is reserved, so no ready.
    ReadClientDataTx "ReadClientDataTx" ReadClientDataRx "ReadClientDataRx" {
        /// Aligned word.
        data: Bits<32>,
        /// Last word of the request.
        last: Bit,
        /// Refused; comes once, with last.
        error: Bit,
        valid: Bit,
    }
}

interface! {
    /// One access to check: `length` bytes at tagged offset `to` of `stag`, for VI `vi`.
    TptRequestTx "TptRequestTx" TptRequestRx "TptRequestRx" {
        stag: Bits<32>,
        /// Tagged offset or virtual address.
        to: Bits<64>,
        /// Bytes, 0 allowed (checked, no pieces of non-zero size).
        length: Bits<16>,
        /// One abi::command::access bit.
        access: Bits<4>,
        vi: Bits<8>,
        /// With a single_message region: this access ends the message.
        last_of_message: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// The answer: a refusal (one beat, `last`, `error` not 0), or pieces in order that cover the access, each within 4 KiB and one element. The client takes every piece without waiting for anything but the bus.
    TptPieceTx "TptPieceTx" TptPieceRx "TptPieceRx" {
        /// Abi::error::TptError.
        error: Bits<4>,
        /// Byte address of the piece.
        iova: Bits<48>,
        /// Its byte count; 0 only for an access of length 0.
        bytes: Bits<13>,
        /// Last piece.
        last: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// How a client proves that admitted accesses are finished. The TPT flips `epoch` at a release and waits until `busy` of the old epoch is clear. A client sets busy[e] from the cycle its request is taken in epoch e until its last byte is read or written.
    TptDrainTx "TptDrainTx" TptDrainRx "TptDrainRx" {
        /// Epoch to file new accesses under.
        epoch: Bit,
        ;
        /// Unfinished accesses per epoch.
        busy: Bits<2>,
    }
}

interface! {
    /// Asks the TPT to de-associate `stag` (or, with `peek`, only to look). `vi` must own it unless `force` (the driver's own invalidate).
    ReleaseRequestTx "ReleaseRequestTx" ReleaseRequestRx "ReleaseRequestRx" {
        stag: Bits<32>,
        vi: Bits<8>,
        /// Driver's invalidate: VI and ptag are not compared.
        force: Bit,
        /// Look only: nothing changes.
        peek: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// After the drain and after the elements are free again: one beat, held until taken. Context and reply buffer mean something only with `one_shot`.
    ReleaseResultTx "ReleaseResultTx" ReleaseResultRx "ReleaseResultRx" {
        /// Abi::error::TptError; 0 released; `Access` to a driver's invalidate: unacknowledged frames have data of it.
        error: Bits<4>,
        /// The entry was bound by a one-shot.
        one_shot: Bit,
        /// The one-shot's context.
        context: Bits<32>,
        /// 0: no reply buffer.
        reply_handle: Bits<32>,
        reply_va: Bits<64>,
        reply_length: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// The TPT asks Transmit whether a frame that is not acknowledged yet has payload of entry `index`: to send it again, it would be read again. `held` is valid with ready, which waits for nothing but a few cycles for each VI.
    SourceQueryTx "SourceQueryTx" SourceQueryRx "SourceQueryRx" {
        index: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
        /// There is one.
        held: Bit,
    }
}

interface! {
    /// Flush asks the TPT for the next one-shot bound to `vi`: released as by ReleaseRequest.
    WalkRequestTx "WalkRequestTx" WalkRequestRx "WalkRequestRx" {
        vi: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// One released one-shot, or `done` when none is left.
    WalkResultTx "WalkResultTx" WalkResultRx "WalkResultRx" {
        /// No more.
        done: Bit,
        stag: Bits<32>,
        context: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Command engine to TPT: the words of a register or one-shot command in order, word 0 first, list elements after word 15; `index` counts words within the command (elements from 32, after 255 comes 32 again: a taker counts elements itself); words 16 to 31 are not sent. `last` ends the command: with the last element; without a list with word 15, but of a one-shot without a list already with word 13 (the engine checks 14 and 15 itself). A list that cannot be read ends early.
    BindWordsTx "BindWordsTx" BindWordsRx "BindWordsRx" {
        /// Word number.
        index: Bits<8>,
        data: Bits<32>,
        last: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// TPT to command engine: one beat per command; error 0 means bound and valid.
    BindResultTx "BindResultTx" BindResultRx "BindResultRx" {
        /// Abi::error::CommandError.
        error: Bits<8>,
        /// Abi::error::Field.
        field: Bits<8>,
        valid: Bit,
    }
}

interface! {
    /// Command engine to every block that keeps VI state: word `word` of a create/modify VI command. Each taker takes a word once; it may wait for `valid` before it is ready (command/vi_config_fork.rs).
    ViConfigTx "ViConfigTx" ViConfigRx "ViConfigRx" {
        vi: Bits<8>,
        /// 2 to 9.
        word: Bits<4>,
        data: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Command engine to the completer: queue `cq` starts at `iova` (32-byte aligned) with 2^entries_log2 entries, at most 2^15; 0 destroys it.
    CqConfigTx "CqConfigTx" CqConfigRx "CqConfigRx" {
        cq: Bits<8>,
        entries_log2: Bits<5>,
        iova: Bits<48>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Command engine to the completer: keep one entry of the queue for a one-shot. `ok` is valid in the cycle of the handshake.
    CqReserveTx "CqReserveTx" CqReserveRx "CqReserveRx" {
        cq: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
        /// An entry was kept.
        ok: Bit,
    }
}

interface! {
    /// Register block to the completer: consumer index and arm bit.
    CqDoorbellTx "CqDoorbellTx" CqDoorbellRx "CqDoorbellRx" {
        cq: Bits<8>,
        consumed: Bits<31>,
        arm: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Command engine to the work queues: the four words of one entry for VI `vi`'s send queue, word 0 first. `full` answers in the handshake of word 0: nothing was stored, and no other words follow.
    QueuePushTx "QueuePushTx" QueuePushRx "QueuePushRx" {
        vi: Bits<8>,
        /// 0 to 3, see command/work_queue.rs.
        word: Bits<2>,
        data: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
        /// Refused.
        full: Bit,
    }
}

interface! {
    /// Reads one entry of a work queue of VI `vi`; the answer is a record of four words on a Stream (command/work_queue.rs
    /// gives the layout; bits 31:24 of word 0 are the entry's index).
    QueueReadTx "QueueReadTx" QueueReadRx "QueueReadRx" {
        vi: Bits<8>,
        /// The receive queue, else the send queue.
        receive: Bit,
        /// 0 the entry at `index`, 1 the next one not yet taken, 2 the oldest one not yet done.
        which: Bits<2>,
        index: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Moves a pointer of VI `vi`'s queue: always taken, one a cycle.
    QueueStepTx "QueueStepTx" QueueStepRx "QueueStepRx" {
        vi: Bits<8>,
        valid: Bit,
    }
}

interface! {
    /// Reads word `word` (slot number * 32 + word in slot) of slot RAM; `data` is valid in the cycle after the handshake.
    SlotReadTx "SlotReadTx" SlotReadRx "SlotReadRx" {
        word: Bits<13>,
        valid: Bit,
        ;
        ready: Bit,
        /// Word asked for in the cycle before.
        data: Bits<32>,
    }
}

interface! {
    /// Slots of a command are free again: first slot and count. Always taken; at most once in 9 cycles on one port (slots become free one a cycle).
    SlotFreeTx "SlotFreeTx" SlotFreeRx "SlotFreeRx" {
        slot: Bits<8>,
        count: Bits<3>,
        valid: Bit,
    }
}

interface! {
    /// Receive to transmit: the peer acknowledged everything before `sequence` on `vi`; `nak`: it misses what starts there. Applied before the frame's payload is placed.
    AckEventTx "AckEventTx" AckEventRx "AckEventRx" {
        vi: Bits<8>,
        sequence: Bits<32>,
        nak: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Receive to transmit: everything before `sequence` on `vi` is placed. `now`: send a frame for it at once; `nak`: and say that `sequence` is missing. Always taken.
    AckOwedTx "AckOwedTx" AckOwedRx "AckOwedRx" {
        vi: Bits<8>,
        sequence: Bits<32>,
        now: Bit,
        nak: Bit,
        valid: Bit,
    }
}

interface! {
    /// A block breaks VI `vi`: it goes into error and is flushed. `event` is the abi::event::Event to raise first.
    ViErrorTx "ViErrorTx" ViErrorRx "ViErrorRx" {
        vi: Bits<8>,
        event: Bits<4>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Sets a sticky event bit without breaking the VI.
    EventTx "EventTx" EventRx "EventRx" {
        vi: Bits<8>,
        event: Bits<4>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Flush asks an engine to let go of VI `vi`: ready answers when it holds nothing of that VI any more and will start nothing.
    FlushViTx "FlushViTx" FlushViRx "FlushViRx" {
        vi: Bits<8>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// A step fired for VI `vi` (abi::step).
    StepTx "StepTx" StepRx "StepRx" {
        fire: Bit,
        vi: Bits<8>,
    }
}

interface! {
    /// A 32-bit store into BAR2 or BAR4, passed on by the BAR decoder.
    StoreTx "StoreTx" StoreRx "StoreRx" {
        /// Byte offset in the BAR.
        offset: Bits<20>,
        data: Bits<32>,
        valid: Bit,
        ;
        ready: Bit,
    }
}

interface! {
    /// Flush to registers: the descriptor at the head of the failing queue of VI `vi` when it went into error. Always taken.
    FailingDescriptorTx "FailingDescriptorTx" FailingDescriptorRx "FailingDescriptorRx" {
        vi: Bits<8>,
        va: Bits<64>,
        valid: Bit,
    }
}

interface! {
    /// Tells a `host::realign::Realign` where the next piece of its byte stream lies and where it goes.
    RealignPieceTx "RealignPieceTx" RealignPieceRx "RealignPieceRx" {
        /// Byte of the first input word at which the piece starts.
        from: Bits<2>,
        /// With `first`: byte of the first output word at which the record starts.
        to: Bits<2>,
        /// Byte count, 1 to 4096.
        bytes: Bits<13>,
        /// The piece starts a record; else it continues where the piece before it ended.
        first: Bit,
        /// The piece ends the record.
        last: Bit,
        /// Its last input word, if bytes of it are left over, stays for the next piece.
        split: Bit,
        valid: Bit,
        ;
        ready: Bit,
    }
}
