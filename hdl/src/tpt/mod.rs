//! The translation and protection table: what an STag grants, and where its bytes are.
//!
//! ```text
//!   BindWords ---> tpt_bind -----+        +--- tpt_release <--- ReleaseRequest, WalkRequest
//!                    |           v        v         |
//!                    |          tpt_table -----+    |          vi_table (ptag and rights of each VI)
//!                    |                         |    |
//!                    +--> sge_table <------+   |    +--> free_list (head and count of the free chain)
//!                                          |   v
//!   TptRequest x5 ---> tpt_check ---> sge_walk ---> TptPiece x5
//! ```
//! Clients, in the order of the ports: 0 place, 1 receive prefetch, 2 descriptor fetch, 3 payload read, 4 completer.
//! Nothing reaches host memory from here; it only says what may. Wires only.

pub mod free_list;
pub mod row_ram;
pub mod sge_table;
pub mod sge_walk;
pub mod tpt_bind;
pub mod tpt_check;
pub mod tpt_release;
pub mod tpt_table;
pub mod vi_table;

use rust_hdl::prelude::*;

use crate::interfaces::{
    BindResultTx, BindWordsRx, ReleaseRequestRx, ReleaseResultTx, SourceQueryTx, StepTx,
    TptDrainTx, TptPieceTx, TptRequestRx, ViConfigRx, WalkRequestRx, WalkResultTx,
};
use free_list::FreeList;
use sge_table::SgeTable;
use sge_walk::SgeWalk;
use tpt_bind::TptBind;
use tpt_check::TptCheck;
use tpt_release::TptRelease;
use tpt_table::TptTable;
use vi_table::ViTable;

/// The composite of `2^T` entries, `2^S` elements and `2^V` VIs.
#[derive(LogicBlock)]
pub struct Tpt<const T: usize, const S: usize, const V: usize> {
    /// The clock.
    pub clock: Signal<In, Clock>,
    /// Empties the table and frees all elements; at least 2^S and 2^T cycles long.
    pub reset: Signal<In, Bit>,
    /// Accesses to check.
    pub request: [TptRequestRx; 5],
    /// Their pieces.
    pub piece: [TptPieceTx; 5],
    /// Their ends.
    pub drain: [TptDrainTx; 5],
    /// Register and one-shot commands.
    pub bind: BindWordsRx,
    /// Their results.
    pub bind_result: BindResultTx,
    /// 0 receive path, 1 command engine.
    pub release: [ReleaseRequestRx; 2],
    /// Their results.
    pub release_result: [ReleaseResultTx; 2],
    /// Asks Transmit before a driver's invalidate.
    pub source_query: SourceQueryTx,
    /// Flush.
    pub walk: WalkRequestRx,
    /// Its results.
    pub walk_result: WalkResultTx,
    /// VI commands.
    pub vi_config: ViConfigRx,
    /// Free elements.
    pub sges_free: Signal<Out, Bits<16>>,
    /// Something is under way.
    pub busy: Signal<Out, Bit>,
    /// An entry became valid.
    pub tpt_bind: StepTx,
    /// An access passed.
    pub tpt_check: StepTx,
    /// An entry was released.
    pub tpt_release: StepTx,
    /// Pulse: a local access was refused.
    pub local_protection_error: Signal<Out, Bit>,
    /// Pulse: an access of the peer was refused.
    pub remote_protection_error: Signal<Out, Bit>,

    entries: TptTable<T>,
    sges: SgeTable<S>,
    free: FreeList<S>,
    vis: ViTable<V>,
    check: TptCheck<T, V>,
    walker: SgeWalk<T, S>,
    binder: TptBind<T, S, V>,
    releaser: TptRelease<T, S, V>,
}

impl<const T: usize, const S: usize, const V: usize> Tpt<T, S, V> {
    /// An empty table.
    pub fn new() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            request: Default::default(),
            piece: Default::default(),
            drain: Default::default(),
            bind: Default::default(),
            bind_result: Default::default(),
            release: Default::default(),
            release_result: Default::default(),
            source_query: Default::default(),
            walk: Default::default(),
            walk_result: Default::default(),
            vi_config: Default::default(),
            sges_free: Default::default(),
            busy: Default::default(),
            tpt_bind: Default::default(),
            tpt_check: Default::default(),
            tpt_release: Default::default(),
            local_protection_error: Default::default(),
            remote_protection_error: Default::default(),
            entries: Default::default(),
            sges: Default::default(),
            free: Default::default(),
            vis: Default::default(),
            check: Default::default(),
            walker: Default::default(),
            binder: Default::default(),
            releaser: Default::default(),
        }
    }
}

impl<const T: usize, const S: usize, const V: usize> Default for Tpt<T, S, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const T: usize, const S: usize, const V: usize> Logic for Tpt<T, S, V> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, entries, sges, free, vis, check, walker, binder, releaser);

        // Check, and the walk behind it.
        self.check.reset.next = self.reset.val();
        for i in 0..5 {
            TptRequestRx::link(&mut self.request[i], &mut self.check.request[i]);
            TptPieceTx::link(&mut self.piece[i], &mut self.walker.piece[i]);
            TptDrainTx::link(&mut self.drain[i], &mut self.releaser.drain[i]);
        }
        self.check.low.next = self.entries.low.val();
        self.check.high.next = self.entries.high.val();
        self.check.rights.next = self.vis.rights.val();
        self.check.ptag.next = self.vis.ptag.val();
        self.check.release_wants.next = self.releaser.wants.val();
        self.check.bind_wants.next = self.binder.wants.val();
        self.check.ready.next = self.walker.ready.val();
        self.walker.reset.next = self.reset.val();
        self.walker.valid.next = self.check.valid.val();
        self.walker.client.next = self.check.client.val();
        self.walker.error.next = self.check.error.val();
        self.walker.index.next = self.check.index.val();
        self.walker.offset.next = self.check.offset.val();
        self.walker.length.next = self.check.length.val();
        self.walker.listed.next = self.check.listed.val();
        self.walker.paged.next = self.check.paged.val();
        self.walker.fire.next = self.check.fire.val();
        self.walker.low.next = self.entries.low.val();
        self.walker.high.next = self.entries.high.val();
        self.walker.sge_low.next = self.sges.low.val();
        self.walker.sge_high.next = self.sges.high.val();

        // Bind.
        self.binder.reset.next = self.reset.val();
        BindWordsRx::link(&mut self.bind, &mut self.binder.words);
        BindResultTx::link(&mut self.bind_result, &mut self.binder.result);
        self.binder.lent.next = self.check.lent_bind.val();
        self.binder.low.next = self.entries.low.val();
        self.binder.ptag.next = self.vis.ptag.val();
        self.binder.draining.next = self.releaser.draining.val();
        self.binder.draining_index.next = self.releaser.index.val();
        self.binder.write_ready.next = self.entries.bind_ready.val();
        self.binder.flags_read.next = self.entries.flags_read.val();
        self.binder.head.next = self.free.head.val();
        self.binder.free.next = self.free.free.val();
        self.binder.chain_changes.next = self.releaser.give.val();
        self.binder.sge_taken.next = self.walker.sge_read.val();
        self.binder.sge_next.next = self.sges.high.val();

        // Release.
        self.releaser.reset.next = self.reset.val();
        for i in 0..2 {
            ReleaseRequestRx::link(&mut self.release[i], &mut self.releaser.request[i]);
            ReleaseResultTx::link(&mut self.release_result[i], &mut self.releaser.result[i]);
        }
        SourceQueryTx::link(&mut self.source_query, &mut self.releaser.source_query);
        WalkRequestRx::link(&mut self.walk, &mut self.releaser.walk);
        WalkResultTx::link(&mut self.walk_result, &mut self.releaser.walk_result);
        self.releaser.lent.next = self.check.lent_release.val();
        self.releaser.low.next = self.entries.low.val();
        self.releaser.high.next = self.entries.high.val();
        self.releaser.extra.next = self.entries.extra.val();
        self.releaser.clear_ready.next = self.entries.release_ready.val();
        self.releaser.ptag.next = self.vis.ptag.val();
        self.releaser.chain_walked.next = self.binder.chain_walked.val();

        // The table.
        self.entries.check_index.next = self.check.index.val();
        self.entries.check_row.next = self.check.row.val();
        self.entries.lent_release.next = self.check.lent_release.val();
        self.entries.release_index.next = self.releaser.index.val();
        self.entries.release_row.next = self.releaser.row.val();
        self.entries.release_clear.next = self.releaser.clear.val();
        self.entries.lent_bind.next = self.check.lent_bind.val();
        self.entries.bind_read_index.next = self.binder.read_index.val();
        self.entries.bind_index.next = self.binder.index.val();
        self.entries.bind_row.next = self.binder.row.val();
        self.entries.bind_low_write.next = self.binder.low_write.val();
        self.entries.bind_low.next = self.binder.low_data.val();
        self.entries.bind_high_write.next = self.binder.high_write.val();
        self.entries.bind_high.next = self.binder.high_data.val();
        self.entries.bind_extra_write.next = self.binder.extra_write.val();
        self.entries.bind_extra.next = self.binder.extra_data.val();
        self.entries.walk_index.next = self.walker.cursor_index.val();
        self.entries.walk_low_write.next = self.walker.cursor_low_write.val();
        self.entries.walk_low.next = self.walker.cursor_low.val();
        self.entries.walk_high_write.next = self.walker.cursor_high_write.val();
        self.entries.walk_high.next = self.walker.cursor_high.val();

        // The elements.
        self.sges.walk_read.next = self.walker.sge_read.val();
        self.sges.walk_element.next = self.walker.sge_element.val();
        self.sges.walk_row.next = self.walker.sge_row.val();
        self.sges.bind_element.next = self.binder.sge_element.val();
        self.sges.bind_row.next = self.binder.sge_row.val();
        self.sges.bind_low_write.next = self.binder.sge_low_write.val();
        self.sges.bind_low.next = self.binder.sge_low.val();
        self.sges.bind_high_write.next = self.binder.sge_high_write.val();
        self.sges.bind_high.next = self.binder.sge_high.val();
        self.sges.link_write.next = self.free.link_write.val();
        self.sges.link_element.next = self.free.link_element.val();
        self.sges.link_next.next = self.free.link_next.val();
        self.free.reset.next = self.reset.val();
        self.free.take.next = self.binder.take.val();
        self.free.take_count.next = self.binder.take_count.val();
        self.free.take_next.next = self.binder.take_next.val();
        self.free.give.next = self.releaser.give.val();
        self.free.give_count.next = self.releaser.give_count.val();
        self.free.give_first.next = self.releaser.give_first.val();
        self.free.give_last.next = self.releaser.give_last.val();

        // The VIs: whoever has the table reads them.
        ViConfigRx::link(&mut self.vi_config, &mut self.vis.vi_config);
        self.vis.vi.next = self.check.vi.val();
        self.vis.row.next = self.check.vi_row.val();
        if self.check.lent_release.val() {
            self.vis.vi.next = self.releaser.vi.val();
            self.vis.row.next = self.releaser.vi_row.val();
        } else if self.check.lent_bind.val() {
            self.vis.vi.next = self.binder.vi.val();
            self.vis.row.next = self.binder.vi_row.val();
        }

        // What is counted.
        self.sges_free.next = self.free.free.val();
        self.busy.next = self.check.busy.val()
            | self.walker.busy.val()
            | self.binder.busy.val()
            | self.releaser.busy.val();
        self.tpt_bind.fire.next = self.binder.step.val();
        self.tpt_bind.vi.next = self.binder.step_vi.val();
        self.tpt_check.fire.next = self.check.step.val();
        self.tpt_check.vi.next = self.check.step_vi.val();
        self.tpt_release.fire.next = self.releaser.step.val();
        self.tpt_release.vi.next = self.releaser.step_vi.val();
        self.local_protection_error.next = self.check.local_protection_error.val();
        self.remote_protection_error.next = self.check.remote_protection_error.val();
    }
}
