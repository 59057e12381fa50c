//! A simulated board behind the driver's in-process transport.

use std::sync::Arc;

use rnic_abi::Iova;
use rnic_driver::memory::HostMemory;
use rnic_driver::transport::{Bar, BoardPort, Rights};
use rnic_sim::host_memory::{Backing, Rights as SimRights};
use rnic_sim::in_process::SimBoard;
use vm_memory::{FileOffset, MmapRegion};

/// Nanoseconds of a cycle at 31.25 MHz, where 32 bits a cycle are 1 Gb/s.
const CYCLE_NS: u64 = 32;

/// The port; the caller's waiting is the clock.
pub struct SimPort {
    board: SimBoard,
    /// Messages of each vector that the driver has been told of.
    told: Vec<u64>,
    poll_cycles: u64,
}

impl SimPort {
    /// The port of `board`; `poll_cycles` pass each time the driver waits.
    pub fn new(board: SimBoard, poll_cycles: u64) -> Self {
        let told = vec![0; board.vectors()];
        Self {
            board,
            told,
            poll_cycles,
        }
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
        let region = MmapRegion::from_file(FileOffset::new(file, 0), memory.bytes())
            .map_err(|error| error.to_string())?;
        let backing = Backing::Region {
            region: Arc::new(region),
            offset: 0,
        };
        let rights = SimRights {
            read: true,
            write: rights.board_may_write(),
        };
        self.board
            .map(iova.0, memory.bytes() as u64, backing, rights)
            .map_err(|error| error.to_string())
    }

    fn dma_unmap(&mut self, iova: Iova, bytes: u64) -> Result<(), String> {
        self.board.unmap(iova.0, bytes);
        Ok(())
    }

    fn poll_irq(&mut self) -> Option<u32> {
        for (vector, told) in self.told.iter_mut().enumerate() {
            if self.board.interrupts(vector) > *told {
                *told += 1;
                return Some(vector as u32);
            }
        }
        None
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
        self.board.sim().cycles() * CYCLE_NS
    }
}
