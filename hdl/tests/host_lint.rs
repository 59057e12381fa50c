//! The lint of every block of the host attachment.

use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::host::Host;
use rnic_verilate::lint;
use rust_hdl::prelude::*;

#[test]
fn the_verilog_means_what_the_rust_says() {
    let mut small = Host::<2, 0>::new(&SMALL, 0x0123_4567_89AB_CDEF);
    small.connect_all();
    assert_eq!(lint(&small), []);
    let mut full = Host::<4, 9>::new(&FULL, 0x0123_4567_89AB_CDEF);
    full.connect_all();
    assert_eq!(lint(&full), []);
}
