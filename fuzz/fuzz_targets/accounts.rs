//! Account files: whatever stands in them, an account is added and removed without touching others.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|files: [&[u8]; 4]| podlane_service::fuzz_accounts(&files));
