//! A simulated board behind the driver's in-process transport.

use std::sync::Arc;

use rnic_abi::Iova;
use rnic_driver::memory::HostMemory;
use rnic_driver::transport::{Bar, BoardPort, Rights};
use rnic_sim::host_memory::{Backing, Rights as SimRights};
use rnic_sim::in_process::SimBoard;

/// The port; the caller's waiting is the clock.
pub struct SimPort {
    board: SimBoard,
    poll_cycles: u64,
}

impl SimPort {
    /// The port of `board`; `poll_cycles` pass each time the driver waits.
    pub fn new(board: SimBoard, poll_cycles: u64) -> Self {
        Self { board, poll_cycles }
    }
}

impl BoardPort for SimPort {
    fn bar_read(&mut self, bar: Bar, offset: u32, bytes: u32) -> Result<u64, String> {
        Ok(self.board.bar_read(bar.number(), offset, bytes as usize))
    }

    fn bar_write(&mut self, bar: Bar, offset: u32, bytes: u32, value: u64) -> Result<(), String> {
        self.board
            .bar_write(bar.number(), offset, bytes as usize, value);
        Ok(())
    }

    fn dma_map(
        &mut self,
        iova: Iova,
        memory: &Arc<HostMemory>,
        rights: Rights,
    ) -> Result<(), String> {
        let file = memory.file().ok_or("the memory has no file")?;
        let file = file.try_clone().map_err(|error| error.to_string())?;
        let bytes = memory.bytes() as u64;
        let rights = match rights {
            Rights::ReadOnly => SimRights::READ_ONLY,
            Rights::ReadWrite => SimRights::READ_WRITE,
        };
        let backing =
            Backing::of_file(file, 0, bytes, rights).map_err(|error| error.to_string())?;
        self.board
            .map(iova.0, bytes, backing, rights)
            .map_err(|error| error.to_string())
    }

    fn dma_unmap(&mut self, iova: Iova, bytes: u64) -> Result<(), String> {
        match self.board.unmap(iova.0, bytes) {
            0 => Err("nothing was mapped there".into()),
            _ => Ok(()),
        }
    }

    fn poll_irq(&mut self) -> Option<u32> {
        self.board.take_interrupt().map(|vector| vector as u32)
    }

    fn reset(&mut self) -> Result<(), String> {
        if self.board.reset() {
            Ok(())
        } else {
            Err("the board does not come out of reset".into())
        }
    }

    fn poll(&mut self) {
        self.board.sim().run(self.poll_cycles);
    }

    fn now_ns(&mut self) -> u64 {
        self.board.sim().now_ns()
    }
}
