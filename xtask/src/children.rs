//! Processes that run beside us and never outlive us.
//!
//! A signal to us, or to all of us (Ctrl-C), ends the wait; dropping a [`Running`] ends its process: first politely, so that
//! it writes its files, then not. Should we be killed ourselves, the kernel ends them.

use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

use crate::process::line;

/// How long a process may take to end when asked to.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often we look.
const INTERVAL: Duration = Duration::from_millis(10);

/// We were told to end.
static SIGNALLED: AtomicBool = AtomicBool::new(false);

/// From here on SIGINT and SIGTERM end a wait instead of this process.
pub fn notice_signals() {
    extern "C" fn note(_: libc::c_int) {
        SIGNALLED.store(true, Ordering::Relaxed);
    }
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler only stores into an atomic, which is safe in a signal handler. Programs that we start do not
        // inherit it.
        unsafe { libc::signal(signal, note as *const () as libc::sighandler_t) };
    }
}

/// A process.
pub struct Running {
    child: Child,
    line: String,
}

impl Running {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        // SAFETY: prctl is a bare system call and touches no memory of the new process.
        unsafe {
            command.pre_exec(
                || match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                },
            );
        }
        let line = line(command);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        Ok(Self { child, line })
    }

    /// Its standard output, if it was piped, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Waits for its end; fails if it takes longer than `limit`, or if we were told to end.
    pub fn wait(&mut self, limit: Option<Duration>) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if SIGNALLED.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            if limit.is_some_and(|limit| start.elapsed() > limit) {
                bail!("`{}` does not end", self.line);
            }
            thread::sleep(INTERVAL);
        }
    }

    /// Waits for its end, and ends it if that takes longer than `limit`.
    pub fn wait_or_stop(mut self, limit: Duration) -> Result<ExitStatus> {
        self.wait(Some(limit))
    }

    /// Ends it and waits until it has ended.
    pub fn stop(mut self) -> Result<ExitStatus> {
        self.ask();
        self.wait(Some(PATIENCE))
    }

    fn ask(&self) {
        // SAFETY: the process is our child and has not been waited for, so the number is still its own.
        unsafe { libc::kill(self.child.id() as libc::pid_t, libc::SIGTERM) };
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let start = Instant::now();
        if let Ok(None) = self.child.try_wait() {
            self.ask();
        }
        while let Ok(None) = self.child.try_wait() {
            if start.elapsed() > PATIENCE {
                // Nothing more can be done about it if this fails.
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            thread::sleep(INTERVAL);
        }
    }
}
