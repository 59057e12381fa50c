//! The blocks of the command side, each alone, with any input, at the sizes of `Small` and `Full`.

mod alone;

use alone::alone;
use rnic_abi::config::{FULL, SMALL};
use rnic_hdl::command::command_fetch::CommandFetch;
use rnic_hdl::command::command_post::CommandPost;
use rnic_hdl::command::doorbell::Doorbell;
use rnic_hdl::command::event_merge::EventMerge;
use rnic_hdl::command::queue_pointers::QueuePointers;
use rnic_hdl::command::vi_config_fork::ViConfigFork;
use rnic_hdl::command::work_queue::WorkQueue;

alone! {
    command_post = CommandPost::<5, 6, 10>::new(), small CommandPost::<4, 5, 9>::new(); never []; |_b, _random| {};
    command_fetch = CommandFetch::<5, 10, 4, 16, 5>::new(&FULL), small CommandFetch::<4, 9, 2, 4, 3>::new(&SMALL); never []; |_b, _random| {};
    doorbell = Doorbell::<4>::new(), small Doorbell::<2>::new(); never []; |_b, _random| {};
    queue_pointers = QueuePointers::<6, 7>::new(), small QueuePointers::<3, 4>::new(); never []; |_b, _random| {};
    work_queue = WorkQueue::<4, 16, 6, 7, 13>::new(), small WorkQueue::<2, 4, 3, 4, 8>::new(); never []; |_b, _random| {};
    event_merge = EventMerge::<3>::default(); never []; |_b, _random| {};
    vi_config_fork = ViConfigFork::new(); never []; |_b, _random| {};
}
