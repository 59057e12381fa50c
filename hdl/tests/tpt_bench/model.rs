//! What the table should do, written from the documents with hash maps and vectors: nothing shared with the gateware.

use std::collections::HashMap;

use rnic_abi::command::{access, flags, kind, opcode};
use rnic_abi::error::{CommandError, Field, TptError};
use rnic_abi::Stag;

/// A register or one-shot command.
#[derive(Clone, Debug)]
pub struct Command {
    pub opcode: u8,
    pub flags: u8,
    pub vi: u16,
    pub context: u32,
    pub stag: u32,
    pub access: u8,
    pub kind: u8,
    pub page_shift: u8,
    pub count: u8,
    pub base: u64,
    pub length: u32,
    pub iova: u64,
    pub reply: (u32, u64, u32),
    pub ptag: u32,
    /// Elements: address and length (pages: length unused), and the fourth word.
    pub elements: Vec<(u64, u32, u32)>,
}

impl Command {
    pub fn contiguous(stag: Stag, access: u8, base: u64, length: u32, iova: u64) -> Self {
        Self {
            opcode: opcode::REGISTER,
            flags: 0,
            vi: 0,
            context: 0,
            stag: stag.0,
            access,
            kind: kind::CONTIGUOUS,
            page_shift: 0,
            count: 0,
            base,
            length,
            iova,
            reply: (0, 0, 0),
            ptag: 0,
            elements: Vec::new(),
        }
    }

    pub fn sgl(stag: Stag, access: u8, base: u64, elements: &[(u64, u32)]) -> Self {
        Self {
            kind: kind::SGL,
            count: elements.len() as u8,
            elements: elements.iter().map(|&(iova, n)| (iova, n, 0)).collect(),
            ..Self::contiguous(stag, access, base, elements.iter().map(|e| e.1).sum(), 0)
        }
    }

    pub fn pages(stag: Stag, access: u8, base: u64, length: u32, shift: u8, pages: &[u64]) -> Self {
        Self {
            kind: kind::PAGES,
            page_shift: shift,
            count: pages.len() as u8,
            elements: pages.iter().map(|&iova| (iova, 0, 0)).collect(),
            ..Self::contiguous(stag, access, base, length, 0)
        }
    }

    pub fn words(&self) -> Vec<u32> {
        let mut words = vec![
            u32::from(self.opcode) | u32::from(self.flags) << 8 | u32::from(self.vi) << 16,
            self.context,
            self.stag,
            u32::from_le_bytes([self.access, self.kind, self.page_shift, self.count]),
            self.base as u32,
            (self.base >> 32) as u32,
            self.length,
            self.iova as u32,
            (self.iova >> 32) as u32,
            self.reply.0,
            self.reply.1 as u32,
            (self.reply.1 >> 32) as u32,
            self.reply.2,
            0,
            self.ptag,
            0,
        ];
        for &(iova, length, fourth) in &self.elements {
            words.extend([iova as u32, (iova >> 32) as u32]);
            if self.kind != kind::PAGES {
                words.extend([length, fourth]);
            }
        }
        words
    }
}

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub stag: u32,
    pub to: u64,
    pub length: u16,
    pub access: u8,
    pub vi: u8,
    pub last: bool,
}

/// Address and bytes of each piece.
pub type Pieces = Vec<(u64, u16)>;

#[derive(Clone, Copy, Debug, Default)]
pub struct Vi {
    pub ptag: u32,
    pub rights: u8,
}

#[derive(Clone, Debug)]
pub struct Region {
    pub key: u8,
    pub vi: u8,
    pub ptag: u32,
    pub bound: bool,
    pub one_shot: bool,
    pub single: bool,
    pub fired: bool,
    pub access: u8,
    pub base: u64,
    pub length: u32,
    pub elements: Vec<(u64, u64)>,
    pub uses: usize,
    pub context: u32,
    pub reply: (u32, u64, u32),
}

impl Region {
    /// Cuts an access that lies inside.
    fn pieces(&self, offset: u64, length: u16) -> Pieces {
        if length == 0 {
            return vec![(0, 0)];
        }
        let (mut at, mut left) = (offset, u64::from(length));
        let (mut pieces, mut start) = (Vec::new(), 0);
        for &(iova, bytes) in &self.elements {
            while left > 0 && at < start + bytes {
                let address = iova + (at - start);
                let n = left.min(start + bytes - at).min(4096 - address % 4096);
                pieces.push((address, n as u16));
                at += n;
                left -= n;
            }
            start += bytes;
        }
        assert_eq!(left, 0, "the model's elements do not cover its region");
        pieces
    }

    /// The checks after the entry was found, in the documented order.
    pub fn check(&self, a: &Access, vi: Vi) -> Result<Pieces, TptError> {
        if self.ptag != vi.ptag {
            return Err(TptError::Ptag);
        }
        if self.bound && self.vi != a.vi {
            return Err(TptError::Vi);
        }
        let vi_denies = (a.access == access::REMOTE_WRITE && vi.rights & 1 == 0)
            || (a.access == access::REMOTE_READ && vi.rights & 2 == 0);
        if self.access & a.access == 0 || vi_denies {
            return Err(TptError::Access);
        }
        let end = u128::from(a.to) + u128::from(a.length);
        if end > 1 << 64 {
            return Err(TptError::Wrap);
        }
        if a.to < self.base || end > u128::from(self.base) + u128::from(self.length) {
            return Err(TptError::Bounds);
        }
        if self.fired {
            return Err(TptError::Fired);
        }
        Ok(self.pieces(a.to - self.base, a.length))
    }
}

/// The table.
pub struct Model {
    pub regions: HashMap<u32, Region>,
    pub vis: Vec<Vi>,
    pub entries: u32,
    pub elements: usize,
}

impl Model {
    pub fn new(entries: u32, elements: usize, vis: usize) -> Self {
        Self {
            regions: HashMap::new(),
            vis: vec![Vi::default(); vis],
            entries,
            elements,
        }
    }

    pub fn free(&self) -> usize {
        self.elements - self.regions.values().map(|r| r.uses).sum::<usize>()
    }

    /// What the command engine is told, and the region that is bound if it is `None`.
    pub fn bind(&self, c: &Command) -> (CommandError, Field, Option<Region>) {
        let bad = |field| (CommandError::BadField, field, None);
        let index = c.stag >> 8;
        if usize::from(c.vi) >= self.vis.len() {
            return bad(Field::Vi);
        }
        if index >= self.entries {
            return bad(Field::Stag);
        }
        if self.regions.contains_key(&index) {
            return (CommandError::EntryBusy, Field::None, None);
        }
        if c.access > 15 {
            return bad(Field::Access);
        }
        let shift_good = match c.kind {
            kind::PAGES => (kind::PAGE_SHIFT_MIN..=kind::PAGE_SHIFT_MAX).contains(&c.page_shift),
            kind::CONTIGUOUS | kind::SGL => c.page_shift == 0,
            _ => false,
        };
        if !shift_good {
            return bad(Field::Kind);
        }
        if (c.count == 0) != (c.kind == kind::CONTIGUOUS) {
            return bad(Field::ElementCount);
        }
        if usize::from(c.count) > self.free() {
            return (CommandError::NoElements, Field::None, None);
        }
        let length = u128::from(c.length);
        if u128::from(c.base) + length > 1 << 64 {
            return bad(Field::Base);
        }
        let is_list = c.kind != kind::CONTIGUOUS;
        if c.length == 0 || (is_list && c.length >= kind::LIST_REGION_LIMIT) {
            return bad(Field::Length);
        }
        let iova_limit = rnic_abi::config::IOVA_LIMIT;
        let mut elements = Vec::new();
        if !is_list {
            if c.iova >= iova_limit {
                return bad(Field::Iova);
            }
            elements.push((c.iova, u64::from(c.length)));
        }
        let page = 1_u64
            << if c.kind == kind::PAGES {
                c.page_shift
            } else {
                0
            };
        let mut covered = 0_u64;
        for (i, &(iova, bytes, fourth)) in c.elements.iter().enumerate() {
            if i >= usize::from(c.count) {
                return bad(Field::ElementCount);
            }
            if iova >= iova_limit || iova % page != 0 {
                return bad(Field::Iova);
            }
            let (iova, bytes) = if c.kind == kind::PAGES {
                if covered >= u64::from(c.length) {
                    return (CommandError::LengthMismatch, Field::None, None);
                }
                let skip = if i == 0 { c.base % page } else { 0 };
                (iova + skip, page - skip)
            } else {
                if bytes == 0 {
                    return bad(Field::ElementLength);
                }
                if covered + u64::from(bytes) > u64::from(c.length) {
                    return (CommandError::LengthMismatch, Field::None, None);
                }
                if fourth != 0 {
                    return bad(Field::Reserved);
                }
                (iova, u64::from(bytes))
            };
            covered += bytes;
            elements.push((iova, bytes));
        }
        if c.elements.len() < usize::from(c.count) {
            return bad(Field::ElementCount);
        }
        if is_list && covered < u64::from(c.length) {
            return (CommandError::LengthMismatch, Field::None, None);
        }
        let one_shot = c.opcode == opcode::ONE_SHOT;
        let bound = one_shot || c.flags & flags::BIND_VI != 0;
        let region = Region {
            key: c.stag as u8,
            vi: c.vi as u8,
            ptag: if bound {
                self.vis[usize::from(c.vi)].ptag
            } else {
                c.ptag
            },
            bound,
            one_shot,
            single: c.flags & flags::SINGLE_MESSAGE != 0,
            fired: false,
            access: c.access,
            base: c.base,
            length: c.length,
            elements,
            uses: usize::from(c.count),
            context: c.context,
            reply: c.reply,
        };
        (CommandError::None, Field::None, Some(region))
    }

    pub fn find(&self, stag: u32) -> Option<&Region> {
        self.regions
            .get(&(stag >> 8))
            .filter(|region| region.key == stag as u8)
    }

    /// Checks an access, and fires a single-message region.
    pub fn check(&mut self, a: &Access) -> Result<Pieces, TptError> {
        let vi = self.vis[usize::from(a.vi)];
        let region = self.find(a.stag).ok_or(TptError::InvalidStag)?;
        let pieces = region.check(a, vi)?;
        if let Some(region) = self.regions.get_mut(&(a.stag >> 8)) {
            region.fired |= region.single && a.last;
        }
        Ok(pieces)
    }

    /// Whether `vi` may release `stag`.
    pub fn may_release(&self, stag: u32, vi: u8, force: bool) -> Result<&Region, TptError> {
        let region = self.find(stag).ok_or(TptError::InvalidStag)?;
        if !force && region.ptag != self.vis[usize::from(vi)].ptag {
            return Err(TptError::Ptag);
        }
        let owns = region.bound && region.vi == vi;
        if !force && !owns {
            return Err(TptError::Vi);
        }
        Ok(region)
    }
}
