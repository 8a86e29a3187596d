//! Request bodies: any bytes are read or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_api::{AddFile, AddUser, CreateContainer, ExecCommand};

fuzz_target!(|body: &[u8]| {
    let _read = serde_json::from_slice::<CreateContainer>(body);
    let _read = serde_json::from_slice::<ExecCommand>(body);
    let _read = serde_json::from_slice::<AddUser>(body);
    let _read = serde_json::from_slice::<AddFile>(body);
});
