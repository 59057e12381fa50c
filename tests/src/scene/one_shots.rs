//! Both halves of a one-shot, and what the responder does between them.

use rnic_abi::Stag;
use rnic_driver::command::{Access, Message, ReplyBuffer};
use rnic_driver::cqe::Kind;
use rnic_driver::one_shot::{Completed, Request};
use rnic_driver::region::Region;

use crate::scene::{Scene, Side};
use crate::scoreboard::{inline, Area, Mem};

/// Where a one-shot's reply goes: new watched memory of the initiator.
pub struct ReplyPlace {
    mem: Mem,
    at: usize,
    /// Keeps the memory registered.
    _region: Region,
    buffer: ReplyBuffer,
}

impl Scene {
    /// A reply buffer in new watched memory of the initiator.
    pub fn reply_buffer(&mut self, bytes: usize) -> ReplyPlace {
        let (area, region) = self.local(Side::Initiator, "reply", bytes);
        let segment = self.ok("reply", region.segment(0, bytes));
        let buffer = ReplyBuffer {
            handle: segment.handle,
            va: segment.va,
            bytes: segment.bytes,
        };
        ReplyPlace {
            mem: area.mem,
            at: area.pieces[0].start,
            _region: region,
            buffer,
        }
    }

    /// Posts a one-shot of the initiator over an area; its STag and reference.
    pub fn one_shot(
        &mut self,
        area: &Area,
        access: Access,
        message: Message,
        reply: Option<&ReplyPlace>,
    ) -> (Stag, u64) {
        let reference = self.reference();
        let request = Request {
            reply: reply.map(|place| place.buffer),
            ..Request::new(area.backing.clone(), access, reference)
        };
        (self.one_shot_with(request, message), reference)
    }

    /// The whole of a one-shot's first half: the message is with the responder, which learns the STag.
    pub fn advertise(
        &mut self,
        area: &Area,
        access: Access,
        message: &[u8],
        reply: Option<&ReplyPlace>,
    ) -> (Stag, u64) {
        self.post_receive(Side::Responder);
        let (stag, reference) = self.one_shot(area, access, inline(message), reply);
        let done = self.receives(Side::Responder, message);
        if done.advertised != Some(stag) {
            self.rig.fail(&format!(
                "{stag} was advertised, the responder sees {done:x?}"
            ));
        }
        (stag, reference)
    }

    /// The responder RDMA-Writes all of what it was given, in one message.
    pub fn fill(&mut self, stag: Stag, area: &Area) {
        let (source, region) = self.local(Side::Responder, "source", area.bytes());
        self.fill_from(&source, &region, stag, area);
    }

    /// The same from the start of a source that is there.
    pub fn fill_from(&mut self, source: &Area, region: &Region, stag: Stag, area: &Area) {
        let bytes = area.bytes();
        let sent = self.write(Side::Responder, region, 0, bytes, area.remote(stag, 0));
        self.completes(Side::Responder, Kind::Send, sent, bytes);
        let data = self.score.get_area(source, 0, bytes);
        self.score.set_area(area, 0, &data);
    }

    /// The second half: the responder invalidates, the initiator gets its STag back with `reply` in its place.
    pub fn give_back(
        &mut self,
        stag: Stag,
        reference: u64,
        reply: &[u8],
        place: &ReplyPlace,
    ) -> Completed {
        let ended = self.send_invalidate(Side::Responder, stag, inline(reply), true);
        let completed = self.came_back();
        let right = completed.stag == stag
            && completed.reference == reference
            && completed.failure.is_none()
            && completed.length as usize == reply.len();
        if !right {
            self.rig.fail(&format!(
                "{stag}, reference {reference:#x}, must come back with {} bytes: {completed:x?}",
                reply.len()
            ));
        }
        self.score.set(place.mem, place.at, reply);
        self.completes(Side::Responder, Kind::SendInvalidate, ended, reply.len());
        completed
    }

    /// The second half of a one-shot without a reply buffer: the reply goes into a receive descriptor, and the one-shot comes
    /// back besides.
    pub fn give_back_by_descriptor(&mut self, stag: Stag, reference: u64, reply: &[u8]) {
        self.post_receive(Side::Initiator);
        let ended = self.send_invalidate(Side::Responder, stag, inline(reply), false);
        let done = self.receives(Side::Initiator, reply);
        assert_eq!(done.invalidated, Some(stag));
        let completed = self.came_back();
        assert_eq!((completed.stag, completed.reference), (stag, reference));
        assert!(completed.failure.is_none(), "{completed:?}");
        self.completes(Side::Responder, Kind::SendInvalidate, ended, reply.len());
    }
}
