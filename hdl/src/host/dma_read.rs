//! Lets four blocks read host memory through one bus.
//!
//! Requests go out in the order in which they are granted, round robin, with up to eight outstanding; data come back in
//! that order and go to the block that asked. It splits nothing and keeps no data: a block asks only for what it
//! has room for.
//!
//! ```text
//!  request[0..4] --> round robin --> [request] --> dma_request
//!                         |
//!                     [owner x 8]
//!                         v
//!  data[0..4] <------- to owner <----------------- dma_data
//! ```
//!
//! Each request carries the epoch, which changes with every reset, so data of a request from before a reset are dropped.
//! Latency: one cycle from request to bus; data pass through in the same cycle. One request every four cycles at most, which
//! is what `counters` counts.

use rust_hdl::prelude::*;

use crate::interfaces::{DmaReadDataRx, DmaReadRequestTx, ReadClientDataTx, ReadClientRequestRx};

/// See the module.
#[derive(LogicBlock, Default)]
pub struct DmaRead {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous.
    pub reset: Signal<In, Bit>,
    /// Grant nothing.
    pub stop: Signal<In, Bit>,
    /// Reset epoch.
    pub epoch: Signal<In, Bits<2>>,
    /// From command list, descriptor fetch, payload read and receive prefetch.
    pub request: [ReadClientRequestRx; 4],
    /// To them.
    pub data: [ReadClientDataTx; 4],
    /// To the bus.
    pub dma_request: DmaReadRequestTx,
    /// From the bus.
    pub dma_data: DmaReadDataRx,
    /// A request is granted.
    pub issued: Signal<Out, Bit>,
    /// The bus refused one.
    pub refused: Signal<Out, Bit>,
    /// No request waits for the bus.
    pub quiet: Signal<Out, Bit>,
    /// Data are outstanding.
    pub busy: Signal<Out, Bit>,

    iova: DFF<Bits<48>>,
    bytes: DFF<Bits<13>>,
    valid: DFF<Bit>,
    /// The client granted last.
    last: DFF<Bits<2>>,
    /// Cycles until the next grant.
    gap: DFF<Bits<2>>,
    /// Owners of outstanding requests, the newest at bit 0.
    owner_low: DFF<Bits<8>>,
    owner_high: DFF<Bits<8>>,
    outstanding: DFF<Bits<4>>,

    iova_first: Signal<Local, Bits<48>>,
    bytes_first: Signal<Local, Bits<13>>,
    iova_choice: Signal<Local, Bits<48>>,
    bytes_choice: Signal<Local, Bits<13>>,
    free: Signal<Local, Bit>,
    any: Signal<Local, Bit>,
    choice: Signal<Local, Bits<2>>,
    grant: Signal<Local, Bit>,
    arrives: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    oldest: Signal<Local, Bits<3>>,
    owner: Signal<Local, Bits<2>>,
}

impl Logic for DmaRead {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            iova,
            bytes,
            valid,
            last,
            gap,
            owner_low,
            owner_high,
            outstanding
        );
        // Who is next: the highest below the last one, else the highest.
        self.any.next = false;
        self.choice.next = bits::<2>(0);
        for i in 0..4 {
            if self.request[i].valid.val() {
                self.any.next = true;
                self.choice.next = i.to_bits();
            }
        }
        for i in 0..4 {
            if self.request[i].valid.val() & (self.last.q.val() > i.to_bits::<2>()) {
                self.choice.next = i.to_bits();
            }
        }
        self.free.next = (!self.valid.q.val() | self.dma_request.ready.val())
            & !self.gap.q.val().any()
            & !self.outstanding.q.val().get_bit(3)
            & !self.stop.val()
            & !self.reset.val();
        self.grant.next = self.free.val() & self.any.val();
        // Four to one in two tables a bit: the first picks among the lower two, or says which of the upper two.
        self.iova_first.next = self.request[0].iova.val();
        self.bytes_first.next = self.request[0].bytes.val();
        if self.choice.val().get_bit(0) {
            self.iova_first.next = self.request[1].iova.val();
            self.bytes_first.next = self.request[1].bytes.val();
        }
        if self.choice.val().get_bit(1) {
            self.iova_first.next = bits::<48>(0);
            self.bytes_first.next = bits::<13>(0);
            if self.choice.val().get_bit(0) {
                self.iova_first.next = bits::<48>(0xFFFF_FFFF_FFFF_u64);
                self.bytes_first.next = bits::<13>(0x1FFF);
            }
        }
        self.iova_choice.next = self.iova_first.val();
        self.bytes_choice.next = self.bytes_first.val();
        if self.choice.val().get_bit(1) {
            self.iova_choice.next = (self.iova_first.val() & self.request[3].iova.val())
                | ((self.iova_first.val() ^ bits::<48>(0xFFFF_FFFF_FFFF_u64))
                    & self.request[2].iova.val());
            self.bytes_choice.next = (self.bytes_first.val() & self.request[3].bytes.val())
                | ((self.bytes_first.val() ^ bits::<13>(0x1FFF)) & self.request[2].bytes.val());
        }
        if self.dma_request.ready.val() {
            self.valid.d.next = false;
        }
        if self.gap.q.val().any() {
            self.gap.d.next = self.gap.q.val() - 1;
        }
        for i in 0..4 {
            self.request[i].ready.next = false;
            if self.choice.val() == i.to_bits::<2>() {
                self.request[i].ready.next = self.grant.val();
            }
        }
        if self.grant.val() {
            self.iova.d.next = self.iova_choice.val();
            self.bytes.d.next = self.bytes_choice.val();
            self.valid.d.next = true;
            self.last.d.next = self.choice.val();
            self.gap.d.next = bits::<2>(3);
            self.owner_low.d.next = (self.owner_low.q.val() << bits::<8>(1))
                | bit_cast::<8, 2>(self.choice.val() & bits::<2>(1));
            self.owner_high.d.next = (self.owner_high.q.val() << bits::<8>(1))
                | bit_cast::<8, 1>(self.choice.val().get_bits::<1>(1));
        }
        self.dma_request.iova.next = self.iova.q.val();
        self.dma_request.bytes.next = self.bytes.q.val();
        self.dma_request.epoch.next = self.epoch.val();
        self.dma_request.valid.next = self.valid.q.val();

        // Data.
        self.arrives.next = self.dma_data.valid.val()
            & (self.dma_data.epoch.val() == self.epoch.val())
            & self.outstanding.q.val().any()
            & !self.reset.val();
        self.ends.next = self.arrives.val() & self.dma_data.last.val();
        self.oldest.next = self.outstanding.q.val().get_bits::<3>(0) - 1;
        self.owner.next = bits::<2>(0)
            .replace_bit(0, self.owner_low.q.val().get_bit(self.oldest.val().index()))
            .replace_bit(
                1,
                self.owner_high.q.val().get_bit(self.oldest.val().index()),
            );
        for i in 0..4 {
            self.data[i].data.next = self.dma_data.data.val();
            self.data[i].last.next = self.dma_data.last.val();
            self.data[i].error.next = self.dma_data.error.val();
            self.data[i].valid.next = self.arrives.val() & (self.owner.val() == i.to_bits::<2>());
        }
        if self.grant.val() & !self.ends.val() {
            self.outstanding.d.next = self.outstanding.q.val() + 1;
        }
        if self.ends.val() & !self.grant.val() {
            self.outstanding.d.next = self.outstanding.q.val() - 1;
        }
        if self.reset.val() {
            self.valid.d.next = false;
            self.gap.d.next = bits::<2>(0);
            self.outstanding.d.next = bits::<4>(0);
        }
        self.issued.next = self.grant.val();
        self.refused.next = self.arrives.val() & self.dma_data.error.val();
        self.quiet.next = !self.valid.q.val();
        self.busy.next = self.valid.q.val() | self.outstanding.q.val().any();
    }
}
