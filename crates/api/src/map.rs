//! A JSON object in which no key may stand twice.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

/// A JSON object with keys of the caller's choice. A key that stands there twice is refused: two
/// readers of such an object may well see two different ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct UniqueMap<V>(pub BTreeMap<String, V>);

impl<V> Default for UniqueMap<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for UniqueMap<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<V> {
    type Value = UniqueMap<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        read(map).map(UniqueMap)
    }
}

/// Reads an object's entries, each key once.
pub(crate) fn read<'de, V: Deserialize<'de>, A: MapAccess<'de>>(
    mut map: A,
) -> Result<BTreeMap<String, V>, A::Error> {
    let mut entries = BTreeMap::new();
    while let Some(key) = map.next_key::<String>()? {
        let value = map.next_value()?;
        match entries.entry(key) {
            Entry::Vacant(place) => place.insert(value),
            Entry::Occupied(taken) => {
                let key = taken.key();
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
        };
    }
    Ok(entries)
}
