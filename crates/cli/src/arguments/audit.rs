//! The flags of `podlane audit`.

use super::token::Place;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AuditVerb {
    /// Print every entry, the oldest first, as lines of JSON.
    Export {
        #[command(flatten)]
        place: Place,
    },
    /// Follow the chain from its beginning; exit status 1 if an entry does not follow from those before it.
    Verify {
        #[command(flatten)]
        place: Place,
    },
}
