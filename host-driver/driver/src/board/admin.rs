//! The admin completion queue (CQ 0) and its inbox, shared by all threads that execute commands and by the raw queue.
//!
//! ```text
//! board --> CQ 0 --> whoever looks first --> inbox --> take_admin: a command's completion by context, raw frames by kind
//!                                       \-> raw_eventfd, for each raw frame
//! ```

use super::{lock, Board};
use crate::completion_queue::{CompletionQueueError, QueueMemory};
use crate::cqe::{Cqe, Kind};
use crate::transport::TransportError;
use rnic_abi::completion::ADMIN_CQ;
use std::collections::VecDeque;
use std::time::Duration;
use vmm_sys_util::eventfd::EventFd;

/// The admin queue and what was found in it.
pub(super) struct Admin {
    queue: QueueMemory,
    inbox: VecDeque<Cqe>,
    next_context: u32,
}

impl Admin {
    pub(super) fn new(queue: QueueMemory) -> Self {
        Self {
            queue,
            inbox: VecDeque::new(),
            next_context: 1,
        }
    }
}

impl Board {
    /// A context for a command that completes in the admin queue; never 0.
    pub fn next_context(&self) -> u32 {
        let mut admin = lock(&self.0.admin);
        let context = admin.next_context;
        admin.next_context = context.wrapping_add(1).max(1);
        context
    }

    /// Takes the oldest admin completion that `wanted` picks.
    pub fn take_admin(
        &self,
        wanted: impl Fn(&Cqe) -> bool,
    ) -> Result<Option<Cqe>, CompletionQueueError> {
        self.drain_admin()?;
        let mut admin = lock(&self.0.admin);
        let found = admin.inbox.iter().position(wanted);
        Ok(found.and_then(|index| admin.inbox.remove(index)))
    }

    /// Sleeps until the admin queue has something new, at most for `timeout`.
    pub fn wait_admin(&self, timeout: Duration) -> Result<(), CompletionQueueError> {
        if self.drain_admin()? {
            return Ok(());
        }
        let Some(eventfd) = self.0.eventfds.get(ADMIN_CQ as usize + 1) else {
            return Err(CompletionQueueError::NoInterrupt { cq: ADMIN_CQ });
        };
        lock(&self.0.admin).queue.arm(&self.0.transport)?;
        if self.0.transport.wait(eventfd, timeout)? {
            eventfd
                .read()
                .map_err(|source| TransportError::Wait { source })?;
        }
        Ok(())
    }

    /// Asks for an interrupt with the next admin completion, at once if one is there; for a thread that sleeps on
    /// [`admin_eventfd`](Self::admin_eventfd) and [`raw_eventfd`](Self::raw_eventfd).
    pub fn arm_admin(&self) -> Result<(), CompletionQueueError> {
        Ok(lock(&self.0.admin).queue.arm(&self.0.transport)?)
    }

    /// The eventfd of the admin queue's interrupt. Threads that execute commands read it, too.
    pub fn admin_eventfd(&self) -> Option<EventFd> {
        self.eventfd(ADMIN_CQ + 1)
    }

    /// An eventfd that is signalled when a raw frame is found in the admin queue, whichever thread finds it: with the admin
    /// queue's own, no frame is slept over.
    pub fn raw_eventfd(&self) -> Option<EventFd> {
        self.0.raw_arrived.try_clone().ok()
    }

    /// Moves what is in the admin queue to the inbox; true if there was something.
    pub(super) fn drain_admin(&self) -> Result<bool, CompletionQueueError> {
        let mut admin = lock(&self.0.admin);
        let mut some = false;
        while let Some(cqe) = admin.queue.poll(&self.0.transport)? {
            self.observe(cqe.slots);
            if cqe.kind == Kind::Raw {
                let signal = self.0.raw_arrived.write(1);
                signal.map_err(|source| TransportError::Wait { source })?;
            }
            admin.inbox.push_back(cqe);
            some = true;
        }
        Ok(some)
    }
}
