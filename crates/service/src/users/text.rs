//! An account file as lines. What nobody asked to change stays byte for byte: comments, entries that can't
//! be read, NIS entries, line ends of any kind, a missing one at the end.

use bytes::Bytes;

/// The lines of a file, each with its end. Those that stay are parts of what was read, not copies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lines(Vec<Bytes>);

/// What stands before a line's end.
fn body(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line takes entries from NIS or leaves some out.
fn is_nis(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'+' | b'-'))
}

fn is_entry(line: &[u8]) -> bool {
    let named = !matches!(line.first(), None | Some(b':' | b'#' | b'+' | b'-'));
    named && body(line).contains(&b':')
}

/// The fields of an entry.
fn fields(line: &[u8]) -> Vec<&[u8]> {
    body(line).split(|byte| *byte == b':').collect()
}

impl Lines {
    pub(super) fn parse(content: &Bytes) -> Self {
        let lines = content.split_inclusive(|byte| *byte == b'\n');
        Self(lines.map(|line| content.slice_ref(line)).collect())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }

    /// The fields of every entry.
    pub(super) fn entries(&self) -> impl Iterator<Item = Vec<&[u8]>> {
        let entries = self.0.iter().filter(|line| is_entry(line));
        entries.map(|line| fields(line))
    }

    /// One field of every entry that has it.
    pub(super) fn column(&self, number: usize) -> impl Iterator<Item = &[u8]> {
        let entries = self.0.iter().filter(|line| is_entry(line));
        entries.filter_map(move |line| body(line).split(|byte| *byte == b':').nth(number))
    }

    /// The fields of the first entry of a name.
    pub(super) fn entry(&self, name: &[u8]) -> Option<Vec<&[u8]>> {
        self.0
            .iter()
            .find(|line| is_of(line, name))
            .map(|line| fields(line))
    }

    /// Adds entries, before those of NIS, which end a file.
    pub(super) fn add(&mut self, entries: Vec<String>) {
        if entries.is_empty() {
            return;
        }
        let at = self.0.iter().position(|line| is_nis(line));
        let at = at.unwrap_or(self.0.len());
        if let Some(last) = at.checked_sub(1).and_then(|last| self.0.get_mut(last))
            && !last.ends_with(b"\n")
        {
            *last = [&last[..], b"\n"].concat().into();
        }
        let ended = entries.into_iter().map(|entry| (entry + "\n").into());
        self.0.splice(at..at, ended);
    }

    /// Removes the entries of a name.
    pub(super) fn remove(&mut self, name: &[u8]) {
        self.0.retain(|line| !is_of(line, name));
    }

    /// Changes a field of the first entry of a name. Whether there is one.
    pub(super) fn set(&mut self, name: &[u8], number: usize, value: &[u8]) -> bool {
        let Some(line) = self.0.iter_mut().find(|line| is_of(line, name)) else {
            return false;
        };
        replace(line, number, value);
        true
    }

    /// Changes a list of names in a field of every entry, in place.
    pub(super) fn edit_lists(
        &mut self,
        number: usize,
        mut edit: impl FnMut(&[u8], &mut Vec<Vec<u8>>),
    ) {
        for line in self.0.iter_mut().filter(|line| is_entry(line)) {
            let parts = fields(line);
            let Some(field) = parts.get(number) else {
                continue;
            };
            let before: Vec<Vec<u8>> = field
                .split(|byte| *byte == b',')
                .filter(|name| !name.is_empty())
                .map(<[u8]>::to_vec)
                .collect();
            let mut after = before.clone();
            edit(parts[0], &mut after);
            if after != before {
                replace(line, number, &after.join(&b','));
            }
        }
    }
}

fn is_of(line: &[u8], name: &[u8]) -> bool {
    let rest = line.strip_prefix(name);
    rest.is_some_and(|rest| rest.first() == Some(&b':')) && is_entry(line)
}

fn replace(line: &mut Bytes, number: usize, value: &[u8]) {
    let end = line[body(line).len()..].to_vec();
    let mut parts = fields(line);
    while parts.len() <= number {
        parts.push(b"");
    }
    parts[number] = value;
    let mut whole = parts.join(&b':');
    whole.extend_from_slice(&end);
    *line = whole.into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn files() -> impl Strategy<Value = Bytes> {
        let line = prop_oneof![
            "[a-z]{1,3}:x:[0-9]{1,4}:[a-z,]{0,6}",
            "[#+\\-][a-z:]{0,8}",
            "[ -~]{0,12}",
        ];
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n")];
        let text = proptest::collection::vec((line, end), 0..8);
        (text, any::<bool>()).prop_map(|(lines, ended)| {
            let whole: String = lines.into_iter().map(|(line, end)| line + end).collect();
            let cut = if ended {
                whole.as_str()
            } else {
                whole.trim_end()
            };
            Bytes::copy_from_slice(cut.as_bytes())
        })
    }

    proptest! {
        #[test]
        fn what_is_parsed_is_written(content: Vec<u8>) {
            let content = Bytes::from(content);
            prop_assert_eq!(Lines::parse(&content).bytes(), content);
        }

        #[test]
        fn what_is_added_and_removed_leaves_nothing(content in files()) {
            let mut lines = Lines::parse(&content);
            lines.add(vec!["zzzz:x:1:".into(), "yyyy:x:2:".into()]);
            prop_assert!(lines.entry(b"zzzz").is_some() && lines.entry(b"yyyy").is_some());
            lines.remove(b"zzzz");
            lines.remove(b"yyyy");
            let mut ended = content.to_vec();
            if content.last().is_some_and(|last| *last != b'\n') && lines.bytes() != content {
                ended.push(b'\n');
            }
            prop_assert_eq!(lines.bytes(), ended);
        }

        #[test]
        fn a_change_touches_no_other_line(content in files(), number in 1usize..6) {
            let mut lines = Lines::parse(&content);
            lines.add(vec!["zzzz:x:1:".into()]);
            let before = lines.clone();
            prop_assert!(lines.set(b"zzzz", number, b"new"));
            prop_assert_eq!(lines.entry(b"zzzz").map(|fields| fields[number].to_vec()), Some(b"new".to_vec()));
            let differ = lines.0.iter().zip(&before.0).filter(|(one, other)| one != other);
            prop_assert_eq!(differ.count(), 1);
            prop_assert_eq!(lines.0.len(), before.0.len());
        }
    }

    #[test]
    fn new_entries_come_before_those_of_nis() {
        let mut lines = Lines::parse(&Bytes::from_static(b"root:x:0:\r\n# end\n+ann::\n+::"));
        lines.add(vec!["bob:x:1:".into()]);
        assert_eq!(lines.bytes(), b"root:x:0:\r\n# end\nbob:x:1:\n+ann::\n+::");
        lines.edit_lists(3, |_, members| members.push(b"ann".to_vec()));
        assert_eq!(
            lines.bytes(),
            b"root:x:0:ann\r\n# end\nbob:x:1:ann\n+ann::\n+::"
        );
    }
}
