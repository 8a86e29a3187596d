//! Forms of many parts: whatever comes, the same parts are read of it however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_server::fuzz_form;

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, data) = input;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let whole = runtime.block_on(fuzz_form(data, data.len()));
    let cut = runtime.block_on(fuzz_form(data, usize::from(piece)));
    assert_eq!(whole, cut);
});
