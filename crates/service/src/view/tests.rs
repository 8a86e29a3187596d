//! The view's state against a model of an engine that changes, tells and saves in any order.

use super::rows::Row;
use super::state::{Found, Outcome, Reading, Round, State};
use podlane_engine::{ContainerId, ContainerSummary, Status};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How many containers there may be.
const SOME: u8 = 24;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// A change by us: done when it is marked.
    Own(u8, bool),
    /// One of which is not said what it changes.
    Any(u8, bool),
    /// A change that is told before it is saved.
    Told(u8, bool),
    /// What was told is saved.
    Save,
    /// A change that nobody tells.
    Silent(u8, bool),
    Seconds(u8),
    Connect(bool),
    Read,
    /// What who makes rounds does next.
    Work,
    /// What who lists all anew does next.
    List,
    /// The engine can't be asked.
    Fail,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = || (0..SOME, any::<bool>());
    let step = prop_oneof![
        3 => change().prop_map(|(id, there)| Step::Own(id, there)),
        1 => change().prop_map(|(id, there)| Step::Any(id, there)),
        6 => change().prop_map(|(id, there)| Step::Told(id, there)),
        2 => Just(Step::Save),
        1 => change().prop_map(|(id, there)| Step::Silent(id, there)),
        1 => (1..12_u8).prop_map(Step::Seconds),
        1 => any::<bool>().prop_map(Step::Connect),
        5 => Just(Step::Read),
        14 => Just(Step::Work),
        3 => Just(Step::List),
        1 => Just(Step::Fail),
    ];
    prop::collection::vec(step, 1..300)
}

/// A container's version, and whether it is there.
type Truth = BTreeMap<u8, (u32, bool)>;

fn id(number: u8) -> ContainerId {
    ContainerId::parse(&format!("{number:064x}")).expect("an ID")
}

fn row(number: u8, version: u32) -> Row {
    Row::new(ContainerSummary {
        id: id(number),
        name: version.to_string(),
        status: Status::Running,
        image: String::new(),
        created: format!("2026-11-24T10:00:{number:02}Z"),
        ports: Vec::new(),
        labels: BTreeMap::new(),
        pod: None,
        infra: false,
    })
}

/// Who makes rounds.
#[derive(Debug)]
enum Worker {
    Away,
    Free,
    Asking(Round, Found, Vec<ContainerId>),
}

/// Who lists all anew beside.
#[derive(Debug)]
enum Lister {
    Away,
    Asking,
    Answered(Vec<Row>),
}

struct Model {
    state: State,
    now: Instant,
    live: bool,
    worker: Worker,
    lister: Lister,
    version: u32,
    /// What looking at one container sees.
    told: Truth,
    /// Since when.
    since: BTreeMap<u8, Instant>,
    /// What a list sees.
    saved: Truth,
    /// What was marked, and with it everything while nothing is told.
    due: Truth,
    /// Changes that nobody told, and when.
    silent: Vec<(Instant, u8, u32)>,
    /// Who waits: for which mark, and what has to be seen.
    readers: Vec<(u64, Truth)>,
    /// Every version that was, with whether the container was there.
    history: BTreeMap<u8, Vec<(u32, bool)>>,
    shown: BTreeMap<u8, u32>,
}

impl Model {
    fn new() -> Self {
        Self {
            state: State::default(),
            now: Instant::now(),
            live: false,
            worker: Worker::Away,
            lister: Lister::Away,
            version: 0,
            told: Truth::new(),
            since: BTreeMap::new(),
            saved: Truth::new(),
            due: Truth::new(),
            silent: Vec::new(),
            readers: Vec::new(),
            history: BTreeMap::new(),
            shown: BTreeMap::new(),
        }
    }

    fn change(&mut self, number: u8, there: bool) -> (u32, bool) {
        self.version += 1;
        let now = (self.version, there);
        self.told.insert(number, now);
        self.history.entry(number).or_default().push(now);
        now
    }

    fn save(&mut self) {
        self.saved.clone_from(&self.told);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Own(number, there) => {
                let now = self.change(number, there);
                self.saved.insert(number, now);
                self.due.insert(number, now);
                self.state.mark(&id(number));
            }
            Step::Any(number, there) => {
                let now = self.change(number, there);
                self.saved.insert(number, now);
                self.due.insert(number, now);
                self.state.mark_all();
            }
            Step::Told(number, there) => {
                let now = self.change(number, there);
                self.since.insert(number, self.now);
                if self.live {
                    self.due.insert(number, now);
                    self.state.hear(&id(number), self.now);
                }
            }
            Step::Save => self.save(),
            Step::Silent(number, there) => {
                let now = self.change(number, there);
                self.saved.insert(number, now);
                self.silent.push((self.now, number, now.0));
            }
            Step::Seconds(seconds) => {
                self.now += Duration::from_secs(seconds.into());
                // Nobody takes longer than that.
                let late = |at: &Instant| self.now.duration_since(*at) >= Duration::from_secs(5);
                let late = self.since.iter().filter(|(_, at)| late(at));
                for number in late.map(|(number, _)| number) {
                    self.saved.insert(*number, self.told[number]);
                }
            }
            Step::Connect(live) => {
                let begins = live && !self.live;
                if live != self.live {
                    self.state.connect(live);
                    self.live = live;
                }
                if begins {
                    // The engine tells the last seconds once more.
                    for (number, now) in self.told.clone() {
                        if self.saved.get(&number) != Some(&now) {
                            self.due.insert(number, now);
                            self.state.hear(&id(number), self.now);
                        }
                    }
                    for (number, now) in &self.saved {
                        let due = self.due.entry(*number).or_insert(*now);
                        *due = (*due).max(*now);
                    }
                }
            }
            Step::Read => self.read(),
            Step::Work => self.work(),
            Step::List => self.list(),
            Step::Fail => {
                if !matches!(self.lister, Lister::Away) {
                    self.state.end_aside(None);
                    self.lister = Lister::Away;
                }
                let asking = std::mem::replace(&mut self.worker, Worker::Away);
                self.worker = match asking {
                    Worker::Asking(round, ..) => {
                        self.state.end(round, None);
                        Worker::Free
                    }
                    other => other,
                };
                self.look();
            }
        }
    }

    fn read(&mut self) {
        let mut due = self.due.clone();
        for (number, now) in &self.saved {
            if !self.live || self.was_silent(*number, now.0) {
                let least = due.entry(*number).or_default();
                *least = (*least).max(*now);
            }
        }
        match self.state.read(self.now) {
            Reading::Rows(rows, anew) => {
                if anew {
                    assert!(matches!(self.lister, Lister::Away), "one at a time");
                    self.lister = Lister::Asking;
                }
                self.check(&rows, &due);
            }
            Reading::Wait(need, employ) => {
                if employ {
                    assert!(matches!(self.worker, Worker::Away), "one at a time");
                    self.worker = Worker::Free;
                }
                self.readers.push((need, due));
            }
        }
    }

    /// What a list of the engine's answers now.
    fn listed(&self) -> Vec<Row> {
        let there = self.saved.iter().filter(|(_, (_, there))| *there);
        there
            .map(|(number, (version, _))| row(*number, *version))
            .collect()
    }

    fn list(&mut self) {
        self.lister = match std::mem::replace(&mut self.lister, Lister::Away) {
            Lister::Away => Lister::Away,
            Lister::Asking => Lister::Answered(self.listed()),
            Lister::Answered(all) => {
                self.state.end_aside(Some(all));
                Lister::Away
            }
        };
    }

    /// Whether a container's last change is one that nobody told, long ago.
    fn was_silent(&self, number: u8, version: u32) -> bool {
        self.silent.iter().any(|(at, silent, last)| {
            let age = self.now.duration_since(*at);
            (*silent, *last) == (number, version) && age >= Duration::from_secs(20)
        })
    }

    fn work(&mut self) {
        self.worker = match std::mem::replace(&mut self.worker, Worker::Away) {
            Worker::Away => Worker::Away,
            Worker::Free if self.state.is_idle() => Worker::Away,
            Worker::Free => {
                let round = self.state.begin(self.now);
                let left = round.some.clone();
                Worker::Asking(round, Found::default(), left)
            }
            Worker::Asking(round, mut found, left) if round.all && found.all.is_none() => {
                found.all = Some(self.listed());
                Worker::Asking(round, found, left)
            }
            Worker::Asking(round, mut found, mut left) => {
                if let Some(wanted) = left.pop() {
                    // It waits for who is saving.
                    let (number, now) = self
                        .told
                        .iter()
                        .find(|(number, _)| id(**number) == wanted)
                        .expect("it was there once");
                    self.saved.insert(*number, *now);
                    found
                        .some
                        .push((wanted, now.1.then(|| row(*number, now.0))));
                    Worker::Asking(round, found, left)
                } else {
                    self.state.end(round, Some(found));
                    Worker::Free
                }
            }
        };
        self.look();
    }

    fn look(&mut self) {
        let readers = std::mem::take(&mut self.readers);
        for (need, due) in readers {
            match self.state.look(need) {
                Outcome::Rows(rows) => self.check(&rows, &due),
                Outcome::Failed => {}
                Outcome::Pending => self.readers.push((need, due)),
            }
        }
    }

    /// All that is due is seen, and nothing older than what was seen before.
    fn check(&mut self, rows: &Arc<super::Rows>, due: &Truth) {
        let rows: BTreeMap<u8, u32> = (0..SOME)
            .filter_map(|number| {
                let row = rows.iter().find(|row| row.id == id(number))?;
                Some((number, row.name.parse().expect("a version")))
            })
            .collect();
        for number in 0..SOME {
            let (least, _) = due.get(&number).copied().unwrap_or_default();
            if let Some(version) = rows.get(&number) {
                assert!(*version >= least, "{number} is of {version}, not {least}");
                let before = self.shown.insert(number, *version);
                assert!(before <= Some(*version), "{number} goes back");
            } else {
                let history = self.history.get(&number).into_iter().flatten();
                let mut gone = history.filter(|(version, _)| *version >= least);
                assert!(
                    least == 0 || gone.any(|(_, there)| !there),
                    "{number} is missing"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn a_reader_sees_what_was_marked_before_it_came(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.save();
        for _ in 0..10 * usize::from(SOME) {
            model.work();
        }
        prop_assert!(model.readers.is_empty(), "somebody waits for ever");
        prop_assert!(matches!(model.worker, Worker::Away));
        // With nothing more happening, what is told is the truth, at once or after one wait.
        model.step(Step::Connect(true));
        model.step(Step::Read);
        for _ in 0..10 * usize::from(SOME) {
            model.work();
        }
        let Reading::Rows(rows, _) = model.state.read(model.now) else {
            return Err(TestCaseError::fail("it is not fresh"));
        };
        for (number, (version, there)) in &model.saved {
            let row = rows.iter().find(|row| row.id == id(*number));
            let silent = model.silent.iter().any(|(_, silent, _)| silent == number);
            prop_assert!(silent || row.is_some() == *there);
            prop_assert!(silent || row.is_none_or(|row| row.name == version.to_string()));
        }
    }
}

#[test]
fn many_changes_are_one_list_and_rows_that_stay_are_shared() {
    let mut state = State::default();
    let now = Instant::now();
    state.connect(true);
    assert!(matches!(state.read(now), Reading::Wait(_, true)));
    let found = |count: u8, version| Found {
        all: Some((0..count).map(|number| row(number, version)).collect()),
        some: Vec::new(),
    };
    let round = state.begin(now);
    assert!(round.all && round.some.is_empty());
    state.end(round, Some(found(40, 1)));
    assert!(state.is_idle());
    let Reading::Rows(before, false) = state.read(now) else {
        panic!("they are fresh");
    };
    assert!(before.iter().map(|row| row.place()).is_sorted());

    // A few of our own are looked at, many are listed.
    for number in 0..3 {
        state.mark(&id(number));
    }
    assert!(matches!(state.read(now), Reading::Wait(_, true)));
    let round = state.begin(now);
    assert!(!round.all && round.some.len() == 3);
    let some = vec![
        (id(0), None),
        (id(1), Some(row(1, 2))),
        (id(2), Some(row(2, 1))),
    ];
    state.end(round, Some(Found { all: None, some }));
    assert!(state.is_idle());
    let Reading::Rows(after, false) = state.read(now) else {
        panic!("they are fresh");
    };
    assert_eq!((before.len(), after.len(), &*after[0].name), (40, 39, "2"));
    assert!(Arc::ptr_eq(&before[2], &after[1]) && Arc::ptr_eq(&before[9], &after[8]));
    for number in 0..30 {
        state.mark(&id(number));
    }
    assert!(matches!(state.read(now), Reading::Wait(_, true)));
    let round = state.begin(now);
    assert!(round.all && round.some.is_empty());
    state.end(round, None);
    assert!(matches!(state.read(now), Reading::Wait(_, false)));
}

#[test]
fn what_is_old_is_listed_anew_though_nothing_was_told() {
    let mut state = State::default();
    let mut now = Instant::now();
    state.connect(true);
    for (passed, waits, employs) in [
        (0, true, true),
        (9, false, false),
        (10, false, true),
        (20, true, true),
    ] {
        let then = now + Duration::from_secs(passed);
        let (did_wait, employ) = match state.read(then) {
            Reading::Rows(_, employ) => (false, employ),
            Reading::Wait(_, employ) => (true, employ),
        };
        assert_eq!((did_wait, employ), (waits, employs), "after {passed} s");
        if employ {
            now = then;
            let all = Some(Vec::new());
            if waits {
                assert!(!state.is_idle());
                let round = state.begin(now);
                assert!(round.all);
                let some = Vec::new();
                state.end(round, Some(Found { all, some }));
            } else {
                assert!(matches!(state.read(then), Reading::Rows(_, false)));
                assert!(!state.end_aside(all));
            }
            assert!(state.is_idle());
        }
    }
}

/// A stream that is silent is doubted when twice in a row a list knows more.
#[test]
fn silence_is_doubted() {
    let mut state = State::default();
    let mut now = Instant::now();
    state.connect(true);
    let mut list = |state: &mut State, rows: Vec<Row>| {
        now += Duration::from_secs(10);
        if let Reading::Rows(_, anew) = state.read(now) {
            assert!(anew);
            return state.end_aside(Some(rows));
        }
        let round = state.begin(now);
        let (all, some) = (Some(rows), Vec::new());
        state.end(round, Some(Found { all, some }));
        assert!(state.is_idle());
        false
    };
    assert!(!list(&mut state, vec![row(1, 1)]));
    assert!(!list(&mut state, vec![row(1, 1)]));
    assert!(
        !list(&mut state, vec![row(1, 2)]),
        "what it tells may be on its way"
    );
    state.hear(&id(1), Instant::now());
    state.read(Instant::now());
    assert!(!state.is_idle());
    let round = state.begin(Instant::now());
    let some = vec![(id(1), Some(row(1, 2)))];
    state.end(round, Some(Found { all: None, some }));
    assert!(state.is_idle());
    assert!(!list(&mut state, vec![row(1, 2), row(2, 1)]));
    assert!(list(&mut state, vec![row(1, 2), row(2, 1)]));
    assert!(!list(&mut state, vec![row(1, 2), row(2, 1)]));
}

/// While all is listed anew, a change is shown as soon as it is looked at, and not put back by the list.
#[test]
fn a_list_of_all_holds_up_no_change() {
    let mut state = State::default();
    let mut now = Instant::now();
    state.connect(true);
    state.read(now);
    let round = state.begin(now);
    let all = Some(vec![row(1, 1), row(2, 1), row(3, 1)]);
    let some = Vec::new();
    state.end(round, Some(Found { all, some }));
    assert!(state.is_idle());
    now += Duration::from_secs(10);
    assert!(matches!(state.read(now), Reading::Rows(_, true)));
    for number in [1, 2] {
        state.hear(&id(number), now);
    }
    assert!(matches!(state.read(now), Reading::Wait(_, true)));
    let round = state.begin(now);
    assert!(!round.all);
    let some = vec![(id(1), Some(row(1, 2))), (id(2), None)];
    state.end(round, Some(Found { all: None, some }));
    assert!(state.is_idle());
    let names = |state: &mut State| {
        let Reading::Rows(rows, _) = state.read(now) else {
            panic!("they are fresh");
        };
        let names = rows.iter().map(|row| row.name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(&mut state), ["2", "1"]);
    let old = vec![row(1, 1), row(2, 1), row(3, 7), row(4, 7)];
    assert!(!state.end_aside(Some(old)));
    assert_eq!(names(&mut state), ["2", "7", "7"]);
}

#[test]
fn what_is_told_while_nobody_reads_takes_no_room() {
    let mut state = State::default();
    let mut now = Instant::now();
    state.connect(true);
    state.read(now);
    let round = state.begin(now);
    let found = || Found {
        all: Some(Vec::new()),
        some: Vec::new(),
    };
    state.end(round, Some(found()));
    for number in 0..10_000_u32 {
        now += Duration::from_millis(100);
        let id = ContainerId::parse(&format!("{number:064x}")).expect("an ID");
        state.hear(&id, now);
    }
    let round = state.begin(now);
    assert!(round.all && round.some.len() <= 50, "{}", round.some.len());
}
