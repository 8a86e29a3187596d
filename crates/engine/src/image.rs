//! What an engine tells of an image.

/// An image the engine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its ID, 64 hexadecimal digits.
    pub id: String,
    /// The program that its containers start with, if it names one.
    pub entrypoint: Vec<String>,
    /// Its default command.
    pub command: Vec<String>,
}
