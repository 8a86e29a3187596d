//! What the doctor has to say.

/// What is the matter with a machine.
#[derive(Debug)]
pub(super) struct Diagnosis {
    pub(super) findings: Vec<Finding>,
    pub(super) conclusion: String,
}

impl Diagnosis {
    /// Whether containers can be started.
    pub(super) fn can_start(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.weight != Weight::Bad)
    }
}

/// One thing that was found or missed.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    pub(super) text: String,
    /// What to type.
    pub(super) remedy: Option<String>,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// As it should be.
    Good,
    /// Neither good nor bad.
    Fact,
    /// Something works less well than it could.
    Note,
    /// Containers can't be started.
    Bad,
}
