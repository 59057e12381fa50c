//! A board over its vfio-user socket: regions, configuration space, DMA maps with and without a descriptor, interrupts.

mod double;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver};
use std::time::{Duration, Instant};

use rnic_abi::registers::{map, status, BAR0_BYTES, BAR4_BYTES};
use rnic_sim::{Clock, Gateware, Setup, Sim, VfioUserServer};
use vfio_user::Client;
use vmm_sys_util::eventfd::EventFd;

use double::{BYTES, CQE, IOVA, SINK};

const CONFIG_REGION: u32 = 7;
const MSIX: u32 = 2;
const EVENTFD_TRIGGER: u32 = 0x24;

struct Served {
    sim: Sim,
    path: PathBuf,
    left: Receiver<()>,
    // Dropped in this order: the server needs no clock to end.
    _server: VfioUserServer,
    _clock: Clock,
}

fn serve(name: &str) -> Served {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = directory.join(format!("{name}.{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let sim = Sim::new(Setup::looped(Gateware::Double));
    let (sender, left) = channel();
    let server = VfioUserServer::start(sim.board(0), &path, move || {
        let _ = sender.send(());
    });
    Served {
        left,
        _server: server.unwrap(),
        _clock: sim.start_clock(),
        sim,
        path,
    }
}

fn memfd() -> File {
    // SAFETY: the name ends in a zero, and the descriptor is ours alone.
    let file = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), 0)) };
    file.set_len(BYTES).unwrap();
    file
}

fn read32(client: &mut Client, region: u32, offset: u32) -> u32 {
    let mut data = [0; 4];
    client
        .region_read(region, offset.into(), &mut data)
        .unwrap();
    u32::from_le_bytes(data)
}

fn write64(client: &mut Client, region: u32, offset: u32, value: u64) {
    let data = value.to_le_bytes();
    client.region_write(region, offset.into(), &data).unwrap();
}

fn wait_for_power_on(client: &mut Client) {
    while read32(client, 0, map::STATUS) & status::RESETTING != 0 {}
}

/// Sends 64 bytes from the start of the memory at `IOVA` to the sink there.
fn send(client: &mut Client) {
    write64(client, 2, 0x10, IOVA + SINK);
    write64(client, 2, 0x18, IOVA + CQE);
    write64(client, 2, 0x00, IOVA);
    write64(client, 2, 0x08, 64);
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn regions_have_their_sizes_and_registers_hold() {
    let served = serve("regions");
    let mut client = Client::new(&served.path).unwrap();
    let size = |client: &Client, index| client.region(index).unwrap().size;
    assert_eq!(size(&client, 0), BAR0_BYTES);
    assert_eq!(size(&client, 2), 4 * 4096);
    assert_eq!(size(&client, 4), BAR4_BYTES);
    assert_eq!(size(&client, 1), 0);
    wait_for_power_on(&mut client);
    write64(&mut client, 0, 0x800, 0x1122_3344_5566_7788);
    assert_eq!(read32(&mut client, 0, 0x800), 0x5566_7788);
    assert_eq!(read32(&mut client, 0, 0x804), 0x1122_3344);
    // A block of words is so many stores.
    let before = served.sim.board(0).counts();
    let block: Vec<u8> = (0..64).collect();
    client.region_write(4, 0x100, &block).unwrap();
    let mut back = vec![0; 64];
    client.region_read(4, 0x100, &mut back).unwrap();
    assert_eq!(back, block);
    let counts = served.sim.board(0).counts() - before;
    assert_eq!((counts.mmio_writes, counts.mmio_reads), (8, 8));
    // What is not there reads as ones.
    assert_eq!(read32(&mut client, 1, 0), u32::MAX);
    assert_eq!(read32(&mut client, 4, BAR4_BYTES as u32), u32::MAX);
}

#[test]
fn configuration_space_names_the_board_and_msi_x_has_a_table() {
    let served = serve("config");
    let mut client = Client::new(&served.path).unwrap();
    assert_eq!(read32(&mut client, CONFIG_REGION, 0), 0x4E52_1234);
    assert_eq!(read32(&mut client, CONFIG_REGION, 8) >> 8, 0x02_8000);
    assert_eq!(client.get_irq_info(MSIX).unwrap().count, 9);
    write64(&mut client, 0, 0x3010, 0xFEE0_0000_1234_5678);
    assert_eq!(read32(&mut client, 0, 0x3010), 0x1234_5678);
}

#[test]
fn memory_behind_a_descriptor_is_reached_until_it_is_unmapped() {
    let served = serve("memfd");
    let mut client = Client::new(&served.path).unwrap();
    wait_for_power_on(&mut client);
    let memory = memfd();
    client.dma_map(0, IOVA, BYTES, memory.as_raw_fd()).unwrap();
    let eventfd = EventFd::new(0).unwrap();
    client
        .set_irqs(MSIX, EVENTFD_TRIGGER, 1, 1, &[eventfd.as_raw_fd()])
        .unwrap();
    let data: Vec<u8> = (100..164).collect();
    memory.write_at(&data, 0).unwrap();
    send(&mut client);
    assert_eq!(eventfd.read().unwrap(), 1);
    let mut back = vec![0; 64];
    memory.read_at(&mut back, SINK).unwrap();
    assert_eq!(back, data);
    client.dma_unmap(IOVA, BYTES).unwrap();
    client.dma_unmap(IOVA, BYTES).unwrap();
    send(&mut client);
    let board = served.sim.board(0);
    wait("refused read", || board.counts().dma_read_errors == 1);
}

#[test]
fn memory_without_a_descriptor_is_reached_through_the_process() {
    let served = serve("process");
    let mut memory = vec![0_u8; BYTES as usize + 8];
    let skew = memory.as_ptr().align_offset(8);
    let data: Vec<u8> = (0..64).map(|at| at ^ 0x5A).collect();
    memory[skew..skew + 64].copy_from_slice(&data);
    let mut client = Client::new(&served.path).unwrap();
    wait_for_power_on(&mut client);
    drop(client);
    served.left.recv_timeout(Duration::from_secs(10)).unwrap();

    // The client of the crate always sends a descriptor, so this one speaks for itself.
    let mut stream = UnixStream::connect(&served.path).unwrap();
    exchange(
        &mut stream,
        1,
        &[&[0, 0, 1, 0], b"{\"capabilities\":{}}\0".as_slice()].concat(),
    );
    let address = memory[skew..].as_mut_ptr() as u64;
    let mut body = Vec::new();
    body.extend_from_slice(&32_u32.to_le_bytes());
    body.extend_from_slice(&3_u32.to_le_bytes());
    for word in [address, IOVA, BYTES] {
        body.extend_from_slice(&word.to_le_bytes());
    }
    exchange(&mut stream, 2, &body);
    for (offset, value) in [(0x10, IOVA + SINK), (0x18, IOVA + CQE), (0, IOVA), (8, 64)] {
        let mut body = Vec::new();
        body.extend_from_slice(&(offset as u64).to_le_bytes());
        body.extend_from_slice(&2_u32.to_le_bytes());
        body.extend_from_slice(&8_u32.to_le_bytes());
        body.extend_from_slice(&value.to_le_bytes());
        exchange(&mut stream, 10, &body);
    }
    let board = served.sim.board(0);
    wait("completion", || board.interrupts(1) == 1);
    let sink = skew + SINK as usize;
    assert_eq!(memory[sink..sink + 64], data);
}

/// Sends one vfio-user command and takes its reply, which must be no error.
fn exchange(stream: &mut UnixStream, command: u16, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    message.extend_from_slice(&7_u16.to_le_bytes());
    message.extend_from_slice(&command.to_le_bytes());
    message.extend_from_slice(&(16 + body.len() as u32).to_le_bytes());
    message.extend_from_slice(&[0; 8]);
    message.extend_from_slice(body);
    stream.write_all(&message).unwrap();
    let mut header = [0; 16];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[8], 1, "command {command} was refused");
    let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let mut reply = vec![0; bytes as usize - 16];
    stream.read_exact(&mut reply).unwrap();
    reply
}

#[test]
fn a_client_that_leaves_leaves_nothing_behind() {
    let served = serve("leaves");
    let mut client = Client::new(&served.path).unwrap();
    wait_for_power_on(&mut client);
    let memory = memfd();
    client.dma_map(0, IOVA, BYTES, memory.as_raw_fd()).unwrap();
    let ranges = || {
        served
            .sim
            .board(0)
            .with_board(|board| board.memory.ranges())
    };
    assert_eq!(ranges(), 1);
    drop(client);
    served.left.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(ranges(), 0);
    let mut client = Client::new(&served.path).unwrap();
    assert_eq!(read32(&mut client, 0, map::STATUS) & status::RESETTING, 0);
    client.reset().unwrap();
}

#[test]
fn an_idle_board_costs_no_processor_time() {
    let served = serve("idle");
    let mut client = Client::new(&served.path).unwrap();
    wait_for_power_on(&mut client);
    wait("asleep", || {
        served.sim.with(|simulation| !simulation.busy())
    });
    let cycles = served.sim.cycles();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(served.sim.cycles(), cycles);
}
