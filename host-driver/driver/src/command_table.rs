//! The command table: what each outstanding one-shot's STag stands for (seed 001's STag and application reference number).
//!
//! An entry is saved before the command is posted and compared when the STag comes back. The table holds no buffers and
//! frees no STags.

use rnic_abi::Stag;

/// Where a command is.
///
/// ```
/// use rnic_driver::command_table::State;
/// assert_ne!(State::Posted, State::Completed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The board has it.
    Posted,
    /// It came back.
    Completed,
}

/// One saved command.
///
/// ```
/// use rnic_driver::command_table::CommandTable;
/// use rnic_abi::Stag;
/// let mut table = CommandTable::new(64);
/// let context = table.save(Stag(0x305), 0xFEED).unwrap();
/// assert_eq!(table.complete(Stag(0x305), context).unwrap().reference, 0xFEED);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The STag sent.
    pub stag: Stag,
    /// The context that the command carried.
    pub context: u32,
    /// The application's reference.
    pub reference: u64,
    /// Where it is.
    pub state: State,
}

/// One entry a TPT index; see [`Saved`] for an example.
pub struct CommandTable {
    entries: Vec<Option<Saved>>,
    next_context: u32,
}

impl CommandTable {
    /// A table for a board with `entries` TPT entries.
    pub fn new(entries: u32) -> Self {
        Self {
            entries: vec![None; entries as usize],
            next_context: 1,
        }
    }

    /// Saves {STag, reference}; returns the context for the command, different for each.
    pub fn save(&mut self, stag: Stag, reference: u64) -> Result<u32, CommandTableError> {
        let context = self.next_context;
        let entries = self.entries.len();
        let entry = self
            .entries
            .get_mut(stag.index() as usize)
            .ok_or(CommandTableError::Index { stag, entries })?;
        if let Some(Saved {
            stag: other,
            state: State::Posted,
            ..
        }) = entry
        {
            return Err(CommandTableError::InUse {
                stag,
                other: *other,
            });
        }
        *entry = Some(Saved {
            stag,
            context,
            reference,
            state: State::Posted,
        });
        self.next_context = self.next_context.wrapping_add(1);
        Ok(context)
    }

    /// Forgets a command that was never posted.
    pub fn forget(&mut self, stag: Stag) {
        if let Some(entry) = self.entries.get_mut(stag.index() as usize) {
            *entry = entry.filter(|saved| saved.stag != stag);
        }
    }

    /// Compares what came back with what was saved, and completes it.
    pub fn complete(&mut self, stag: Stag, context: u32) -> Result<Saved, CommandTableError> {
        let entries = self.entries.len();
        let entry = self
            .entries
            .get_mut(stag.index() as usize)
            .ok_or(CommandTableError::Index { stag, entries })?;
        let saved = entry.as_mut().ok_or(CommandTableError::Unknown { stag })?;
        if saved.stag != stag {
            return Err(CommandTableError::StagMismatch {
                saved: saved.stag,
                returned: stag,
            });
        }
        if saved.context != context {
            return Err(CommandTableError::ContextMismatch {
                stag,
                saved: saved.context,
                returned: context,
            });
        }
        if saved.state == State::Completed {
            return Err(CommandTableError::Twice {
                stag,
                reference: saved.reference,
            });
        }
        saved.state = State::Completed;
        Ok(*saved)
    }

    /// The entry of an STag, if it is that STag's.
    pub fn get(&self, stag: Stag) -> Option<&Saved> {
        self.entries
            .get(stag.index() as usize)?
            .as_ref()
            .filter(|saved| saved.stag == stag)
    }

    /// Commands the board has.
    pub fn outstanding(&self) -> usize {
        self.entries
            .iter()
            .flatten()
            .filter(|saved| saved.state == State::Posted)
            .count()
    }
}

/// Why what came back is not what was sent.
///
/// ```
/// use rnic_driver::command_table::{CommandTable, CommandTableError};
/// use rnic_abi::Stag;
/// let mut table = CommandTable::new(64);
/// let context = table.save(Stag(0x305), 1).unwrap();
/// let error = table.complete(Stag(0x306), context).unwrap_err();
/// assert_eq!(error, CommandTableError::StagMismatch { saved: Stag(0x305), returned: Stag(0x306) });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandTableError {
    /// No such entry.
    #[error("STag {stag} has index {}, the table has {entries} entries", stag.index())]
    Index {
        /// The STag.
        stag: Stag,
        /// Entries.
        entries: usize,
    },
    /// Another command holds the entry.
    #[error("STag {stag} cannot be saved: its entry waits for {other}")]
    InUse {
        /// The STag.
        stag: Stag,
        /// The one that the entry waits for.
        other: Stag,
    },
    /// Nothing was sent under this index.
    #[error("STag {stag} came back, but no command was sent with it")]
    Unknown {
        /// The STag.
        stag: Stag,
    },
    /// Another STag was sent.
    #[error("STag {returned} came back where {saved} was sent")]
    StagMismatch {
        /// What was sent.
        saved: Stag,
        /// What came back.
        returned: Stag,
    },
    /// Right STag, other command.
    #[error("STag {stag} came back with context {returned}, the command had {saved}")]
    ContextMismatch {
        /// The STag.
        stag: Stag,
        /// What was sent.
        saved: u32,
        /// What came back.
        returned: u32,
    },
    /// It had come back before.
    #[error("STag {stag} came back twice (reference {reference})")]
    Twice {
        /// The STag.
        stag: Stag,
        /// The application's reference.
        reference: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_named() {
        let mut table = CommandTable::new(4);
        let context = table.save(Stag(0x101), 9).unwrap();
        assert_eq!(
            table.save(Stag(0x102), 0),
            Err(CommandTableError::InUse {
                stag: Stag(0x102),
                other: Stag(0x101)
            })
        );
        assert_eq!(
            table.save(Stag(0x400), 0),
            Err(CommandTableError::Index {
                stag: Stag(0x400),
                entries: 4
            })
        );
        assert_eq!(
            table.complete(Stag(0x200), context),
            Err(CommandTableError::Unknown { stag: Stag(0x200) })
        );
        let other = context.wrapping_add(1);
        assert_eq!(
            table.complete(Stag(0x101), other),
            Err(CommandTableError::ContextMismatch {
                stag: Stag(0x101),
                saved: context,
                returned: other
            })
        );
        assert_eq!(table.outstanding(), 1);
        assert_eq!(table.complete(Stag(0x101), context).unwrap().reference, 9);
        assert_eq!(
            table.complete(Stag(0x101), context),
            Err(CommandTableError::Twice {
                stag: Stag(0x101),
                reference: 9
            })
        );
        assert_eq!(table.outstanding(), 0);
        let again = table.save(Stag(0x102), 10).unwrap();
        assert_ne!(again, context);
        table.forget(Stag(0x102));
        assert!(table.get(Stag(0x102)).is_none());
    }
}
