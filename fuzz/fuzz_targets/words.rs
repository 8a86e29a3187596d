//! The word splitter: any text is split or refused, and nothing is added to it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    if let Ok(words) = podlane_service::words(line) {
        assert!(!words.is_empty());
        assert!(words.iter().map(String::len).sum::<usize>() <= line.len());
    }
});
