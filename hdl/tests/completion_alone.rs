//! The blocks of the completion stage, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_hdl::completion::Completion;
use rnic_hdl::completion::complete::Complete;
use rnic_hdl::completion::cq_table::CqTable;
use rnic_hdl::completion::flush::Flush;
use rnic_hdl::completion::status_line::StatusLine;

alone! {
    cq_table = CqTable::<5, 8>::new(), small CqTable::<3, 6>::new(); never []; |_b, _random| {};
    complete = Complete::<5>::new(), small Complete::<3>::new(); never []; |_b, _random| {};
    flush = Flush::<4>::new(), small Flush::<2>::new(); never []; |_b, _random| {};
    status_line = StatusLine::default(); never []; |_b, _random| {};
    completion = Completion::<5, 4, 8>::default(), small Completion::<3, 2, 6>::default(); never []; |_b, _random| {};
}
