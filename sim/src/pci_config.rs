//! The PCI configuration space of a board: header, MSI-X, power management and PCI Express capabilities.
//!
//! ```text
//! 0x00 header (BAR 0, 2, 4: 64-bit memory)   0x40 power management   0x50 MSI-X   0x70 PCI Express endpoint
//! ```
//! It keeps bytes with a mask of what software may change, and notices a function-level reset. It decodes nothing: a
//! vfio-user client says itself which region it means.

use rnic_abi::config::Config;
use rnic_abi::registers::{BAR0_BYTES, BAR4_BYTES, DOORBELL_PAGE_BYTES};

/// Bytes of the configuration space.
pub const CONFIG_BYTES: usize = 4096;
/// Vendor of the simulated board; of no company.
pub const VENDOR_ID: u16 = 0x1234;
/// Device: "RN" in memory order.
pub const DEVICE_ID: u16 = 0x4E52;
/// Class: network controller, other; programming interface 0.
const CLASS: u32 = 0x02_80_00;

/// Where the MSI-X table lies in BAR0: a page of its own above the registers.
pub const MSIX_TABLE_OFFSET: u32 = 0x3000;
/// Where the pending bits lie in BAR0.
pub const MSIX_PBA_OFFSET: u32 = 0x3800;

const COMMAND: usize = 0x04;
const STATUS: usize = 0x06;
const BARS: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const POWER_MANAGEMENT: usize = 0x40;
const MSIX: usize = 0x50;
const EXPRESS: usize = 0x70;

const STATUS_HAS_CAPABILITIES: u16 = 0x0010;
const COMMAND_WRITABLE: u16 = 0x0547;
const BAR_64_BIT: u64 = 0x4;
const CAP_POWER_MANAGEMENT: u8 = 0x01;
const CAP_EXPRESS: u8 = 0x10;
const CAP_MSIX: u8 = 0x11;
/// PCI Express device capabilities: function-level reset, 256-byte payload.
const DEVICE_CAPABILITIES: u32 = 1 << 28 | 1;
const DEVICE_CONTROL: usize = EXPRESS + 0x08;
const INITIATE_RESET: u16 = 1 << 15;

/// Bytes of each BAR of a configuration; 0 for the upper halves of 64-bit BARs.
pub fn bar_bytes(config: &Config) -> [u64; 6] {
    let doorbells = DOORBELL_PAGE_BYTES * config.vis() as u64;
    [BAR0_BYTES, 0, doorbells, 0, BAR4_BYTES, 0]
}

/// See the module.
#[derive(Clone, Debug)]
pub struct PciConfig {
    bytes: Vec<u8>,
    writable: Vec<u8>,
}

impl PciConfig {
    /// The space of a board after reset.
    pub fn new(config: &Config) -> Self {
        let mut space = Self {
            bytes: vec![0; CONFIG_BYTES],
            writable: vec![0; CONFIG_BYTES],
        };
        space.put16(0x00, VENDOR_ID);
        space.put16(0x02, DEVICE_ID);
        space.allow16(COMMAND, COMMAND_WRITABLE);
        space.put16(STATUS, STATUS_HAS_CAPABILITIES);
        space.put32(0x08, CLASS << 8);
        space.put16(0x2C, VENDOR_ID);
        space.put16(0x2E, config.id as u16);
        space.bytes[CAPABILITIES] = POWER_MANAGEMENT as u8;
        space.allow16(0x3C, 0x00FF);
        for (bar, bytes) in bar_bytes(config).into_iter().enumerate() {
            if bytes != 0 {
                let at = BARS + 4 * bar;
                space.put32(at, BAR_64_BIT as u32);
                let mask = !(bytes - 1);
                space.allow32(at, mask as u32);
                space.allow32(at + 4, (mask >> 32) as u32);
            }
        }

        space.bytes[POWER_MANAGEMENT] = CAP_POWER_MANAGEMENT;
        space.bytes[POWER_MANAGEMENT + 1] = MSIX as u8;
        space.put16(POWER_MANAGEMENT + 2, 0x0003);
        // No soft reset on the way back from D3; the power state is software's.
        space.put16(POWER_MANAGEMENT + 4, 0x0008);
        space.allow16(POWER_MANAGEMENT + 4, 0x0003);

        let vectors = config.cqs() as u16 + 1;
        space.bytes[MSIX] = CAP_MSIX;
        space.bytes[MSIX + 1] = EXPRESS as u8;
        space.put16(MSIX + 2, vectors - 1);
        space.allow16(MSIX + 2, 0xC000);
        // Both in BAR0: the low three bits are 0.
        space.put32(MSIX + 4, MSIX_TABLE_OFFSET);
        space.put32(MSIX + 8, MSIX_PBA_OFFSET);

        space.bytes[EXPRESS] = CAP_EXPRESS;
        // Version 2, endpoint.
        space.put16(EXPRESS + 2, 0x0002);
        space.put32(EXPRESS + 4, DEVICE_CAPABILITIES);
        space.allow16(DEVICE_CONTROL, 0x7FFF);
        // 2.5 GT/s, one lane: what the link registers must say, not what the board does.
        space.put32(EXPRESS + 0x0C, 0x0000_0011);
        space.put16(EXPRESS + 0x12, 0x0011);
        space
    }

    /// Reads; what lies beyond is zero.
    pub fn read(&self, offset: u64, data: &mut [u8]) {
        for (at, byte) in (offset as usize..).zip(data) {
            *byte = self.bytes.get(at).copied().unwrap_or(0);
        }
    }

    /// Writes what may be written; true if software asks for a function-level reset.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> bool {
        let mut reset = false;
        for (at, &byte) in (offset as usize..).zip(data) {
            if let Some(&mask) = self.writable.get(at) {
                self.bytes[at] = self.bytes[at] & !mask | byte & mask;
            }
            let high = at == DEVICE_CONTROL + 1;
            reset |= high && u16::from(byte) << 8 & INITIATE_RESET != 0;
        }
        reset
    }

    fn put16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn allow16(&mut self, at: usize, mask: u16) {
        self.writable[at..at + 2].copy_from_slice(&mask.to_le_bytes());
    }

    fn allow32(&mut self, at: usize, mask: u32) {
        self.writable[at..at + 4].copy_from_slice(&mask.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rnic_abi::config::{FULL, SMALL};

    #[test]
    fn bars_tell_their_sizes_and_capabilities_form_a_list() {
        for config in [SMALL, FULL] {
            let mut space = PciConfig::new(&config);
            for (bar, bytes) in bar_bytes(&config).into_iter().enumerate().step_by(2) {
                let at = (BARS + 4 * bar) as u64;
                space.write(at, &[0xFF; 8]);
                let mut answer = [0; 8];
                space.read(at, &mut answer);
                assert_eq!(!(u64::from_le_bytes(answer) & !0xF) + 1, bytes);
            }
            let mut found = Vec::new();
            let mut at = space.bytes[CAPABILITIES];
            while at != 0 {
                found.push(space.bytes[usize::from(at)]);
                at = space.bytes[usize::from(at) + 1];
            }
            assert_eq!(found, [CAP_POWER_MANAGEMENT, CAP_MSIX, CAP_EXPRESS]);
            let vectors = u32::from(space.bytes[MSIX + 2]) + 1;
            assert!(MSIX_TABLE_OFFSET + 16 * vectors <= MSIX_PBA_OFFSET);
        }
    }

    #[test]
    fn identity_is_read_only_and_a_function_level_reset_is_noticed() {
        let mut space = PciConfig::new(&SMALL);
        assert!(!space.write(0, &[0; 4]));
        let mut id = [0; 4];
        space.read(0, &mut id);
        assert_eq!(id, [0x34, 0x12, 0x52, 0x4E]);
        assert!(!space.write(DEVICE_CONTROL as u64, &[0x00, 0x20]));
        assert!(space.write(DEVICE_CONTROL as u64, &[0x00, 0x80]));
    }
}
