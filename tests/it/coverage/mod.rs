//! Which of BigCommerce's calls are made, by what of the service, and by which tests they are driven.

pub(crate) mod calls;
