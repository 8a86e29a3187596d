//! Memory in common.

use std::io;
use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that this process and those that it forks have in common: the last bytes that any of them put
/// there.
pub(crate) struct Shared {
    memory: ptr::NonNull<u8>,
    size: usize,
}

impl Shared {
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, at a place that the kernel chooses.
        let memory = unsafe { libc::mmap(ptr::null_mut(), size, rights, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let memory = ptr::NonNull::new(memory.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { memory, size })
    }

    fn length(&self) -> &AtomicUsize {
        // SAFETY: the mapping begins with it, is aligned and lives as long as this.
        unsafe { self.memory.cast().as_ref() }
    }

    /// What does not fit is not put there.
    pub(crate) fn put(&self, bytes: &[u8]) {
        // Whoever is killed in between has put nothing there.
        self.length().store(0, Ordering::Release);
        if bytes.len() <= self.size - size_of::<AtomicUsize>() {
            // SAFETY: within the mapping.
            let to = unsafe { self.memory.add(size_of::<AtomicUsize>()) };
            // SAFETY: there is room for it, and nobody reads it before its length is there.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to.as_ptr(), bytes.len()) };
            self.length().store(bytes.len(), Ordering::Release);
        }
    }

    /// Nobody may be putting anything there meanwhile.
    pub(crate) fn get(&self) -> Vec<u8> {
        let length = self.length().load(Ordering::Acquire);
        let length = length.min(self.size - size_of::<AtomicUsize>());
        // SAFETY: within the mapping.
        let from = unsafe { self.memory.add(size_of::<AtomicUsize>()) };
        // SAFETY: so many bytes are there, and nobody writes them now.
        unsafe { std::slice::from_raw_parts(from.as_ptr(), length) }.to_vec()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and nothing refers to it any more.
        unsafe { libc::munmap(self.memory.as_ptr().cast(), self.size) };
    }
}
