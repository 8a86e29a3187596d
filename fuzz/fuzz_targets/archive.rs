//! Uploaded archives: whatever comes, only plain paths below the directory are unpacked, however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_service::fuzz_archive;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, data) = input;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let whole = runtime.block_on(fuzz_archive(data, data.len()));
    let cut = runtime.block_on(fuzz_archive(data, usize::from(piece)));
    assert_eq!(whole, cut);
});
