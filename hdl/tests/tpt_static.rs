//! The static checks of every block of the table, and of the whole.

use rnic_hdl::tpt::free_list::FreeList;
use rnic_hdl::tpt::row_ram::RowRam;
use rnic_hdl::tpt::sge_table::SgeTable;
use rnic_hdl::tpt::sge_walk::SgeWalk;
use rnic_hdl::tpt::tpt_bind::TptBind;
use rnic_hdl::tpt::tpt_check::TptCheck;
use rnic_hdl::tpt::tpt_release::TptRelease;
use rnic_hdl::tpt::tpt_table::TptTable;
use rnic_hdl::tpt::vi_table::ViTable;
use rnic_hdl::tpt::Tpt;
use rnic_verilate::check_block;

#[test]
fn row_ram_passes_the_static_checks() {
    check_block("tpt_row_ram", &mut RowRam::<6, 2, 32>::default()).unwrap();
}

#[test]
fn tpt_table_passes_the_static_checks() {
    check_block("tpt_table", &mut TptTable::<6>::default()).unwrap();
}

#[test]
fn sge_table_passes_the_static_checks() {
    check_block("sge_table", &mut SgeTable::<7>::default()).unwrap();
}

#[test]
fn free_list_passes_the_static_checks() {
    check_block("free_list", &mut FreeList::<7>::new()).unwrap();
}

#[test]
fn vi_table_passes_the_static_checks() {
    check_block("vi_table", &mut ViTable::<2>::new()).unwrap();
}

#[test]
fn tpt_check_passes_the_static_checks() {
    check_block("tpt_check", &mut TptCheck::<6, 2>::new()).unwrap();
}

#[test]
fn sge_walk_passes_the_static_checks() {
    check_block("sge_walk", &mut SgeWalk::<6, 7>::default()).unwrap();
}

#[test]
fn tpt_bind_passes_the_static_checks() {
    check_block("tpt_bind", &mut TptBind::<6, 7, 2>::new()).unwrap();
}

#[test]
fn tpt_release_passes_the_static_checks() {
    check_block("tpt_release", &mut TptRelease::<6, 7, 2>::new()).unwrap();
}

#[test]
fn tpt_small_passes_the_static_checks() {
    check_block("tpt_small", &mut Tpt::<6, 7, 2>::new()).unwrap();
}

#[test]
fn tpt_full_passes_the_static_checks() {
    check_block("tpt_full", &mut Tpt::<8, 10, 4>::new()).unwrap();
}
