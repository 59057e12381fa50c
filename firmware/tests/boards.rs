//! The whole board passes every static check that its blocks pass (Full's composites are checked one by one: the whole of it
//! takes Yosys too long), and stamps tell boards apart.

use rnic_hdl::top::Small;
use rnic_verilate::check_block;

#[test]
fn small_passes_the_static_checks() {
    check_block("small", &mut Small::new(1)).unwrap();
}

#[test]
fn stamps_follow_the_verilog() {
    let (small, full) = (
        rnic_firmware::small().unwrap(),
        rnic_firmware::full().unwrap(),
    );
    assert_ne!(small.build_hash, full.build_hash);
    assert_eq!(small.build_hash, rnic_firmware::small().unwrap().build_hash);
    assert_eq!(small.ports.len(), full.ports.len());
}
