//! Images.

use super::Request;
use podlane_engine::ImageRef;

pub(crate) fn inspect_image(image: &ImageRef) -> Request {
    let mut request = Request::get("looking up the image", &format!("/images/{image}/json"));
    image.as_str().clone_into(&mut request.about.image);
    request
}

pub(crate) fn pull_image(image: &ImageRef) -> Request {
    let mut request = Request::post("pulling the image", "/images/pull")
        .query([("reference", image.as_str()), ("policy", "always")]);
    image.as_str().clone_into(&mut request.about.image);
    request
}
