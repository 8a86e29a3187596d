//! Works and their records: any bytes are refused, or mean something that can be written again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use podlane_inside::blocks::{failure, parse, record, work};
use podlane_inside::{AccountStep, AccountsSeen, Entry, Failure, Item, Match, Seen, Work};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

fn again<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: &[u8]) {
    if let Ok(read) = parse::<T>(data) {
        let written = record(&read).expect("no longer than what was read");
        assert_eq!(parse::<T>(&written[4..]).expect("written"), read);
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = parse::<Work>(data) {
        let written = work(&read).expect("no longer than what was read");
        assert!(parse::<Work>(&written).expect("written") == read);
    }
    if let Ok(read) = parse::<Failure>(data) {
        let written = failure(&read).expect("no longer than what was read");
        assert_eq!(parse::<Failure>(&written[4..]).expect("written"), read);
    }
    again::<Entry>(data);
    again::<Item>(data);
    again::<Match>(data);
    again::<Seen>(data);
    again::<AccountStep>(data);
    again::<AccountsSeen>(data);
});
