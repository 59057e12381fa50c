//! How this crate's tests use the double (`loopback.rs` is its gateware).

use std::sync::Arc;

use rnic_abi::registers::{map, status};
use rnic_sim::{Backing, Rights, SimBoard};
use vm_memory::MmapRegion;

/// Where tests map memory, unless they say otherwise.
pub const IOVA: u64 = 0x10_0000;
/// Bytes of that memory: a page of source, one of sink, one of completions.
pub const BYTES: u64 = 0x3000;
/// Offset of the sink.
pub const SINK: u64 = 0x1000;
/// Offset of the completion.
pub const CQE: u64 = 0x2000;

/// Memory of a test.
pub fn memory() -> Arc<MmapRegion> {
    Arc::new(MmapRegion::new(BYTES as usize).unwrap())
}

/// Maps `region` at `IOVA`.
pub fn map_all(board: &SimBoard, region: &Arc<MmapRegion>) {
    let backing = Backing::Region {
        region: region.clone(),
        offset: 0,
    };
    board.map(IOVA, BYTES, backing, Rights::READ_WRITE).unwrap();
}

/// Waits for the end of power-on reset.
pub fn wait_for_power_on(board: &SimBoard) {
    while board.bar_read(0, map::STATUS, 4) & u64::from(status::RESETTING) != 0 {}
}

/// Says where what arrives goes.
pub fn set_sink(board: &SimBoard, sink: u64, cqe: u64) {
    board.bar_write(2, 0x10, 8, sink);
    board.bar_write(2, 0x18, 8, cqe);
}

/// Sends `bytes` from `source`.
pub fn go(board: &SimBoard, source: u64, bytes: u64) {
    board.bar_write(2, 0x00, 8, source);
    board.bar_write(2, 0x08, 8, bytes);
}
