//! The blocks of the translation and protection table, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_hdl::tpt::Tpt;
use rnic_hdl::tpt::free_list::FreeList;
use rnic_hdl::tpt::row_ram::RowRam;
use rnic_hdl::tpt::sge_table::SgeTable;
use rnic_hdl::tpt::sge_walk::SgeWalk;
use rnic_hdl::tpt::tpt_bind::TptBind;
use rnic_hdl::tpt::tpt_check::TptCheck;
use rnic_hdl::tpt::tpt_release::TptRelease;
use rnic_hdl::tpt::tpt_table::TptTable;
use rnic_hdl::tpt::vi_table::ViTable;

alone! {
    row_ram = RowRam::<8, 2, 32>::default(), small RowRam::<6, 2, 32>::default(); never []; |_b, _random| {};
    tpt_table = TptTable::<8>::default(), small TptTable::<6>::default(); never []; |_b, _random| {};
    sge_table = SgeTable::<10>::default(), small SgeTable::<7>::default(); never []; |_b, _random| {};
    free_list = FreeList::<10>::new(), small FreeList::<7>::new(); never []; |_b, _random| {};
    vi_table = ViTable::<4>::new(), small ViTable::<2>::new(); never []; |_b, _random| {};
    tpt_check = TptCheck::<8, 4>::new(), small TptCheck::<6, 2>::new(); never []; |_b, _random| {};
    sge_walk = SgeWalk::<8, 10>::default(), small SgeWalk::<6, 7>::default(); never []; |_b, _random| {};
    tpt_bind = TptBind::<8, 10, 4>::new(), small TptBind::<6, 7, 2>::new(); never []; |_b, _random| {};
    tpt_release = TptRelease::<8, 10, 4>::new(), small TptRelease::<6, 7, 2>::new(); never []; |_b, _random| {};
    tpt = Tpt::<8, 10, 4>::new(), small Tpt::<6, 7, 2>::new(); never []; |_b, _random| {};
}
