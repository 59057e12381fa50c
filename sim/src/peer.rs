//! Who is at the other end of a socket that a library has accepted.
//!
//! The `vfio_user` crate keeps its connection to itself, and its backend is not told whose it is. But a connection accepted
//! on a path carries that path as its own name, one client is served at a time, and so the process's descriptors tell.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The process connected to the socket that this process listens on at `path`.
pub fn peer_pid(path: &Path) -> io::Result<i32> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(fd) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if own_name(fd).is_some_and(|own| own == path.as_os_str().as_bytes()) {
            if let Some(pid) = connected_pid(fd) {
                return Ok(pid);
            }
        }
    }
    Err(io::ErrorKind::NotConnected.into())
}

/// The path that a Unix socket is bound to.
fn own_name(fd: RawFd) -> Option<Vec<u8>> {
    // SAFETY: all zeros is a valid address of no family.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    let mut length = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `address`; any number may be asked about as a descriptor.
    let status = unsafe { libc::getsockname(fd, (&raw mut address).cast(), &raw mut length) };
    if status != 0 || address.sun_family != libc::AF_UNIX as libc::sa_family_t {
        return None;
    }
    let bytes = address.sun_path.iter().map(|&byte| byte as u8);
    Some(bytes.take_while(|&byte| byte != 0).collect())
}

/// The peer of a connected socket; none for one that listens.
fn connected_pid(fd: RawFd) -> Option<i32> {
    let mut listens: libc::c_int = 0;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    let mut peer = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut peer_length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both calls write at most the length given into a value of that type.
    let ok = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut listens).cast(),
            &raw mut length,
        ) == 0
            && libc::getsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                (&raw mut peer).cast(),
                &raw mut peer_length,
            ) == 0
    };
    (ok && listens == 0 && peer.pid > 0).then_some(peer.pid)
}
