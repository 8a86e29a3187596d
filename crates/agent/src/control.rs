//! The first process: it says hello and forks workers. It runs no command, so that what finished
//! commands have left behind can come to it.

use crate::connection::Connection;
use crate::process::Home;
use crate::sys::{self, Children, Fork};
use crate::worker;
use podlane_agent::{PROGRAM_FD, Reply, Request, VERSION};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// Serves until the server goes. Never returns in a worker.
pub(crate) fn serve(socket: &OwnedFd) -> io::Result<()> {
    sys::do_not_inherit(PROGRAM_FD);
    sys::do_not_inherit(socket.as_raw_fd());
    sys::reset_libc_signals();
    sys::adopt_orphans()?;
    let home = Home::new()?;
    let children = sys::child_signals()?;
    let mut server = Connection::new(socket);
    server.send(&Reply::Hello { version: VERSION })?;
    loop {
        let mut wait = [
            sys::poll_for(server.raw(), server.events()),
            sys::poll_for(children.as_raw_fd(), libc::POLLIN),
        ];
        sys::poll(&mut wait, None)?;
        if wait[1].revents != 0 {
            sys::take_child_signals(children.as_fd());
            while let Children::Ended(_) = sys::reap()? {}
        }
        server.flush()?;
        if !server.receive()? {
            return Ok(());
        }
        while let Some(request) = server.next().map_err(io::Error::other)? {
            if request != Request::Fork {
                return Err(io::ErrorKind::InvalidData.into());
            }
            for own in server.take_descriptors(1)? {
                if matches!(sys::fork(), Ok(Fork::Child)) {
                    // Only the worker's own socket is left to it.
                    sys::close(socket.as_raw_fd());
                    sys::close(children.as_raw_fd());
                    server.forget_descriptors();
                    worker::run(&own, &home);
                }
            }
        }
    }
}
