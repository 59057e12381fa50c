//! Registered memory: what buffers a region is made of, and its life from register to invalidate.

use crate::board::{Board, ExecuteError};
use crate::command::{
    elements_in_slots, Access, Command, Element, Elements, Layout, RegionCommand,
};
use crate::descriptor::Segment;
use crate::memory::{Buffer, MemoryError};
use crate::stag_table::StagError;
use rnic_abi::error::CommandError;
use rnic_abi::Stag;

/// Bytes of a list element in slots or memory.
const SGL_ELEMENT_BYTES: usize = 16;
/// Bytes of a page in a list.
const PAGE_ELEMENT_BYTES: usize = 8;

/// The buffers of a region.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, region::Backing};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let a = board.allocate("a", 100)?;
/// let b = board.allocate("b", 28)?;
/// assert_eq!(Backing::Sgl(vec![a, b]).bytes(), 128);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub enum Backing {
    /// One range; the IOMMU makes it contiguous, so it needs no list.
    Contiguous(Buffer),
    /// Ranges of any length, one after the other.
    Sgl(Vec<Buffer>),
    /// Pages of equal size.
    Pages {
        /// log2 of the page size.
        shift: u8,
        /// The pages, each a whole one.
        pages: Vec<Buffer>,
        /// Offset of the first byte in the first page.
        offset: u32,
        /// Bytes of the region.
        bytes: u32,
    },
}

impl From<Buffer> for Backing {
    fn from(buffer: Buffer) -> Self {
        Backing::Contiguous(buffer)
    }
}

impl Backing {
    /// Bytes of the region.
    pub fn bytes(&self) -> usize {
        match self {
            Backing::Contiguous(buffer) => buffer.len(),
            Backing::Sgl(buffers) => buffers.iter().map(Buffer::len).sum(),
            Backing::Pages { bytes, .. } => *bytes as usize,
        }
    }

    /// The tagged offset that its first byte gets if nobody asks for another: its IOVA where there is one, so that equal runs
    /// use equal offsets; the offset in the first page for pages; 0 for a list.
    pub fn default_base(&self) -> u64 {
        match self {
            Backing::Contiguous(buffer) => buffer.iova().0,
            Backing::Sgl(_) => 0,
            Backing::Pages { offset, .. } => u64::from(*offset),
        }
    }

    /// The layout for a command. A list too long for the slots is written to memory, which must live until the command is done.
    fn layout(&self, board: &Board) -> Result<(Layout, Option<Buffer>), RegionError> {
        match self {
            Backing::Contiguous(buffer) => Ok((Layout::Contiguous(buffer.iova()), None)),
            Backing::Sgl(buffers) => {
                let element = |buffer: &Buffer| {
                    Ok(Element {
                        iova: buffer.iova(),
                        bytes: bytes32(buffer.len())?,
                    })
                };
                let list = buffers
                    .iter()
                    .map(element)
                    .collect::<Result<Vec<_>, RegionError>>()?;
                let words = |element: &Element| vec![element.iova.0, element.bytes.into()];
                let (elements, memory) = place(board, list, SGL_ELEMENT_BYTES, words)?;
                Ok((Layout::Sgl(elements), memory))
            }
            Backing::Pages { shift, pages, .. } => {
                let list = pages.iter().map(Buffer::iova).collect();
                let (pages, memory) = place(board, list, PAGE_ELEMENT_BYTES, |page| vec![page.0])?;
                Ok((
                    Layout::Pages {
                        shift: *shift,
                        pages,
                    },
                    memory,
                ))
            }
        }
    }

    /// The region part of a command.
    pub(crate) fn command(
        &self,
        board: &Board,
        stag: Stag,
        access: Access,
        base: u64,
    ) -> Result<(RegionCommand, Option<Buffer>), RegionError> {
        let (layout, list) = self.layout(board)?;
        Ok((
            RegionCommand {
                stag,
                access,
                layout,
                base,
                bytes: bytes32(self.bytes())?,
            },
            list,
        ))
    }
}

/// Leaves a short list for the slots, writes a long one to memory.
fn place<T>(
    board: &Board,
    list: Vec<T>,
    element_bytes: usize,
    words: impl Fn(&T) -> Vec<u64>,
) -> Result<(Elements<T>, Option<Buffer>), RegionError> {
    if list.len() <= elements_in_slots(element_bytes) {
        return Ok((Elements::Slots(list), None));
    }
    let most = u8::MAX.into();
    let count = u8::try_from(list.len()).map_err(|_| RegionError::Elements {
        elements: list.len(),
        most,
    })?;
    let memory = board.allocate("rnic-element-list", list.len() * element_bytes)?;
    for (index, word) in list.iter().flat_map(words).enumerate() {
        memory.store_u64(index * 8, word)?;
    }
    Ok((
        Elements::Memory {
            iova: memory.iova(),
            count,
        },
        Some(memory),
    ))
}

/// A length for a 32-bit field.
fn bytes32(bytes: usize) -> Result<u32, RegionError> {
    u32::try_from(bytes).map_err(|_| RegionError::TooLong { bytes })
}

/// How to register memory.
///
/// ```
/// use rnic_driver::{command::Access, region::RegionOptions};
/// let options = RegionOptions { access: Access::LOCAL | Access::REMOTE_READ, ..RegionOptions::new(7) };
/// assert_eq!((options.ptag, options.vi), (7, None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RegionOptions {
    /// Protection tag, equal to that of the VIs that use it.
    pub ptag: u32,
    /// Rights.
    pub access: Access,
    /// The only VI that may use it.
    pub vi: Option<u16>,
    /// Tagged offset of its first byte; see [`Backing::default_base`].
    pub base: Option<u64>,
    /// It admits one message of the peer: the message's last segment closes it.
    pub single_message: bool,
}

impl RegionOptions {
    /// Local rights under `ptag`, any VI.
    pub const fn new(ptag: u32) -> Self {
        Self {
            ptag,
            access: Access::LOCAL,
            vi: None,
            base: None,
            single_message: false,
        }
    }
}

/// A registered region. Dropping it invalidates it.
///
/// ```no_run
/// # use rnic_driver::{board::{Board, Options}, region::{Region, RegionOptions}};
/// # let board = Board::open_url("vfio-user:/tmp/a.sock", Options::default())?;
/// let ptag = board.allocate_ptag();
/// let region = Region::register(&board, board.allocate("payload", 4096)?.into(), RegionOptions::new(ptag))?;
/// println!("STag {} at 0x{:x}", region.stag(), region.base());
/// region.invalidate()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Region {
    board: Board,
    stag: Stag,
    base: u64,
    access: Access,
    backing: Backing,
    /// The board reads it at some time after an unsignalled command was posted.
    _list: Option<Buffer>,
    registered: bool,
}

impl Region {
    /// Registers memory and waits until the board has bound it.
    pub fn register(
        board: &Board,
        backing: Backing,
        options: RegionOptions,
    ) -> Result<Self, RegionError> {
        Self::bind(board, backing, options, |vi, command| {
            board
                .execute(vi, command)
                .map(|_| ())
                .map_err(RegionError::from)
        })
    }

    /// Registers memory without waiting and without a completion unless it fails (fast registration): work posted afterwards
    /// on the same board finds it bound. A failure comes to the admin queue with the returned region's STag unusable.
    pub fn register_unsignalled(
        board: &Board,
        backing: Backing,
        options: RegionOptions,
    ) -> Result<Self, RegionError> {
        Self::bind(board, backing, options, |vi, command| {
            let post = crate::command::Post {
                vi,
                context: board.next_context(),
                signalled: false,
                command,
            };
            board
                .post(&post)
                .map_err(|error| RegionError::from(ExecuteError::from(error)))
        })
    }

    fn bind(
        board: &Board,
        backing: Backing,
        options: RegionOptions,
        post: impl FnOnce(u16, Command) -> Result<(), RegionError>,
    ) -> Result<Self, RegionError> {
        let base = options.base.unwrap_or_else(|| backing.default_base());
        let stag = board.allocate_stag()?;
        let register = || -> Result<Option<Buffer>, RegionError> {
            let (region, list) = backing.command(board, stag, options.access, base)?;
            let command = Command::Register {
                region,
                ptag: options.ptag,
                bind_vi: options.vi.is_some(),
                single_message: options.single_message,
            };
            post(options.vi.unwrap_or(0), command)?;
            Ok(list)
        };
        let list = match register() {
            Ok(list) => list,
            Err(error) => {
                board.free_stag(stag)?;
                return Err(error);
            }
        };
        Ok(Self {
            board: board.clone(),
            stag,
            base,
            access: options.access,
            backing,
            _list: list,
            registered: true,
        })
    }

    /// Its STag, which is also its memory handle.
    pub fn stag(&self) -> Stag {
        self.stag
    }

    /// Tagged offset, or virtual address, of its first byte.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Its length.
    pub fn bytes(&self) -> usize {
        self.backing.bytes()
    }

    /// Its rights.
    pub fn access(&self) -> Access {
        self.access
    }

    /// Its buffers.
    pub fn backing(&self) -> &Backing {
        &self.backing
    }

    /// Bytes of it as a descriptor names them.
    pub fn segment(&self, offset: usize, bytes: usize) -> Result<Segment, RegionError> {
        let region_bytes = self.bytes();
        match offset.checked_add(bytes) {
            Some(end) if end <= region_bytes => Ok(Segment {
                va: self.base.wrapping_add(offset as u64),
                handle: self.stag,
                bytes: bytes32(bytes)?,
            }),
            _ => Err(RegionError::Outside {
                offset,
                bytes,
                region_bytes,
            }),
        }
    }

    /// Invalidates it, waits, and gives its buffers back.
    pub fn invalidate(mut self) -> Result<Backing, RegionError> {
        self.invalidate_now()?;
        Ok(self.backing.clone())
    }

    /// The peer invalidated it (a Send with Invalidate showed its STag): only the driver's books are left to do.
    pub fn released_by_peer(mut self) -> Result<Backing, RegionError> {
        self.registered = false;
        self.board.free_stag(self.stag)?;
        Ok(self.backing.clone())
    }

    /// While the board may still have to send its data again it answers busy; that ends with the peer's acknowledgement.
    fn invalidate_now(&mut self) -> Result<(), RegionError> {
        if !std::mem::replace(&mut self.registered, false) {
            return Ok(());
        }
        let transport = self.board.transport();
        let end = transport.now() + self.board.options().timeout;
        let command = Command::Invalidate { stag: self.stag };
        loop {
            match self.board.execute(0, command.clone()) {
                Err(ExecuteError::Failed(failure))
                    if failure.error == CommandError::EntryBusy && transport.now() < end =>
                {
                    transport.poll().map_err(ExecuteError::from)?
                }
                other => break other.map(drop)?,
            }
        }
        self.board.free_stag(self.stag)?;
        Ok(())
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // If it fails, the STag stays taken: the board may still hold it. The memory is out of its reach once it is unmapped.
        let _ = self.invalidate_now();
    }
}

/// Why memory could not be registered or invalidated.
///
/// ```
/// use rnic_driver::region::RegionError;
/// let error = RegionError::Outside { offset: 60, bytes: 8, region_bytes: 64 };
/// assert_eq!(error.to_string(), "bytes 60 to 60+8 are outside a region of 64 bytes");
/// ```
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// No STag.
    #[error(transparent)]
    Stag(#[from] StagError),
    /// The command.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// Memory for a list.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// More elements than a command can name.
    #[error("a region of {elements} elements; a command names at most {most}")]
    Elements {
        /// How many.
        elements: usize,
        /// The most.
        most: usize,
    },
    /// Longer than the length field.
    #[error("a region of {bytes} bytes; the length field has 32 bits")]
    TooLong {
        /// Its bytes.
        bytes: usize,
    },
    /// Outside the region.
    #[error("bytes {offset} to {offset}+{bytes} are outside a region of {region_bytes} bytes")]
    Outside {
        /// First byte.
        offset: usize,
        /// Byte count.
        bytes: usize,
        /// Bytes of the region.
        region_bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::Options;
    use crate::test_board::TestBoard;
    use rnic_abi::error::CommandError;

    fn open(test: &TestBoard) -> Board {
        Board::open(
            test.transport(),
            Options {
                seed: Some(1),
                ..Options::default()
            },
        )
        .unwrap()
    }

    #[test]
    fn a_region_is_registered_and_invalidated() {
        let test = TestBoard::small();
        let board = open(&test);
        let buffer = board.allocate("payload", 8192).unwrap();
        test.take_posts();
        let iova = buffer.iova();
        let region = Region::register(&board, buffer.into(), RegionOptions::new(7)).unwrap();
        let stag = region.stag();
        assert!(board.check_stag(stag).is_ok());
        assert_eq!(
            region.segment(8191, 1).unwrap(),
            Segment {
                va: iova.0 + 8191,
                handle: stag,
                bytes: 1
            }
        );
        assert!(matches!(
            region.segment(8191, 2),
            Err(RegionError::Outside { .. })
        ));
        drop(region);
        let posts = test.take_posts();
        let expected = RegionCommand {
            stag,
            access: Access::LOCAL,
            layout: Layout::Contiguous(iova),
            base: iova.0,
            bytes: 8192,
        };
        assert_eq!(
            posts[0].command,
            Command::Register {
                region: expected,
                ptag: 7,
                bind_vi: false,
                single_message: false,
            }
        );
        assert_eq!(posts[1].command, Command::Invalidate { stag });
        assert!(board.check_stag(stag).is_err());
    }

    #[test]
    fn a_refused_region_keeps_no_stag() {
        let test = TestBoard::small();
        let board = open(&test);
        test.state().refuse.push(CommandError::NoElements);
        let buffers = vec![
            board.allocate("a", 8).unwrap(),
            board.allocate("b", 8).unwrap(),
        ];
        let error = Region::register(&board, Backing::Sgl(buffers), RegionOptions::new(1))
            .err()
            .unwrap();
        assert!(
            matches!(error, RegionError::Execute(ExecuteError::Failed(f)) if f.error == CommandError::NoElements)
        );
        let stags: Vec<_> = std::iter::from_fn(|| board.allocate_stag().ok()).collect();
        assert_eq!(stags.len(), 64, "none is lost");
    }

    #[test]
    fn a_long_list_goes_through_memory() {
        let test = TestBoard::small();
        let board = open(&test);
        let whole = board.allocate("payload", 4096).unwrap();
        let pieces: Vec<_> = (0..30)
            .map(|i| whole.slice(i * 100..i * 100 + 10).unwrap())
            .collect();
        let backing = Backing::Sgl(pieces);
        let (command, list) = backing
            .command(&board, Stag(0x101), Access::LOCAL, 0)
            .unwrap();
        let list = list.unwrap();
        assert_eq!(
            command.layout,
            Layout::Sgl(Elements::Memory {
                iova: list.iova(),
                count: 30
            })
        );
        assert_eq!(list.load_u64(16).unwrap(), whole.iova().0 + 100);
        assert_eq!(list.load_u64(24).unwrap(), 10);
    }
}
