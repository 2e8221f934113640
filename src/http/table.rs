//! The one table of problems: what each means, to whom, and whether it makes sense to try again.

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:literal, $title:literal, $retryable:literal,
       shopper: $shopper:literal, meaning: $meaning:literal, advice: $advice:literal;)+) => {
        /// What went wrong, by its word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Slug { $($(#[$doc])* #[doc = $meaning] $variant),+ }

        impl Slug {
            /// Every problem, in the order of the documentation.
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Everything about it.
            pub(super) fn entry(self) -> &'static Entry {
                match self {
                    $(Self::$variant => &Entry {
                        slug: $slug,
                        status: $status,
                        title: $title,
                        retryable: $retryable,
                        shopper: $shopper,
                        meaning: $meaning,
                        advice: $advice,
                    }),+
                }
            }
        }
    };
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Entry {
    /// The last part of its `type`.
    pub(super) slug: &'static str,
    /// HTTP status.
    pub(super) status: u16,
    /// A few words.
    pub(super) title: &'static str,
    /// Whether the same request may succeed later without any change.
    pub(super) retryable: bool,
    /// A sentence that may be shown to the shopper.
    pub(super) shopper: &'static str,
    /// What it means.
    pub(super) meaning: &'static str,
    /// What the storefront should do.
    pub(super) advice: &'static str,
}

problems! {
    InvalidInput = "invalid-input", 422, "The body does not fit", false,
        shopper: "Please check what you entered.",
        meaning: "The body is JSON, but not what this call takes. Nothing was recorded and nothing was sent.",
        advice: "Read `errors`: each names a place in the body (a JSON pointer) and says what must be there. Correct \
            all of them and send the request again; the same Idempotency-Key may be used.";
    MalformedRequest = "malformed-request", 400, "The request cannot be read", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The body is not JSON (or not UTF-8, or nested too deeply, or names a field twice), or a header \
            has a value that it cannot have.",
        advice: "This is a mistake in the program that sent the request. `detail` says where it is.";
    UnsupportedMediaType = "unsupported-media-type", 415, "The body is not JSON", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The Content-Type of the request is not application/json in UTF-8.",
        advice: "Send `Content-Type: application/json`.";
    PayloadTooLarge = "payload-too-large", 413, "The body is too large", false,
        shopper: "This is more than can be ordered at once.",
        meaning: "The body is larger than the operator of this service allows.",
        advice: "Send less. A checkout of 600 items fits into the limit that is set by default.";
    MethodNotAllowed = "method-not-allowed", 405, "There is no such method here", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The path exists, but not with this method.",
        advice: "The header `Allow` lists the methods; the reference is at /docs.";
    Unauthorized = "unauthorized", 401, "A credential is needed", false,
        shopper: "Your session has ended. Please start again.",
        meaning: "The request carries no credential, or one that is not known.",
        advice: "Send `Authorization: Bearer <credential>`: a storefront key, or the checkout_token that came with the \
            checkout.";
    CustomerNotProven = "customer-not-proven", 401, "The customer is not proven", false,
        shopper: "Your session has ended. Please sign in again.",
        meaning: "The `customer_token` does not verify: it is not BigCommerce's Current Customer token of this store, signed \
            with its client secret (HS256), or it has expired. Nothing was recorded and nothing was sent.",
        advice: "Fetch a fresh one from the storefront (`/customer/current.jwt?app_client_id=...`) and send it with the same \
            Idempotency-Key. A shopper who is not signed in is a guest: send none.";
    Forbidden = "forbidden", 403, "This credential is not for this", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The credential is known, but it may not be used here: a checkout token cannot create checkouts, \
            an operator's token cannot shop, a storefront key does not open /ops, a publishable key works from its \
            own origins only and creates checkouts only, who the shopper is and what things cost is believed of a server key \
            only, and an operator's action needs the role for it. Nothing was recorded and nothing was sent.",
        advice: "Where there are `errors`, each names what needs a server key or a customer who was proven (a JSON pointer). \
            Otherwise use a storefront key of the store; for a browser, one that lists the origin of the page, and the \
            checkout_token from then on. Operators: `needs` is the role that may do it.";
    CheckoutNotFound = "checkout-not-found", 404, "There is no such checkout", false,
        shopper: "This checkout no longer exists. Please start again from your cart.",
        meaning: "There is no checkout with this id that the credential may see.",
        advice: "Check the id, and that the credential belongs to the same store or to this very checkout.";
    NotFound = "not-found", 404, "There is nothing here", false,
        shopper: "This page does not exist.",
        meaning: "The path leads nowhere.",
        advice: "The reference at /docs lists every path.";
    KeyMissing = "idempotency-key-missing", 400, "An Idempotency-Key is needed", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "Every POST under /v1 needs the header Idempotency-Key, so that it can be repeated without harm.",
        advice: "Send a fresh random value (a UUID, for example) with each new intention of the shopper, and the same \
            value when the same request is repeated.";
    KeyReused = "idempotency-key-reused", 422, "The Idempotency-Key belongs to another request", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The key was used for another body, another call or another checkout. Nothing was done.",
        advice: "Use a fresh key for a new request. To repeat a request, repeat it unchanged.";
    KeyInUse = "idempotency-key-in-use", 409, "The first request with this key is still running", true,
        shopper: "Your last step is still being worked on. Please wait a moment.",
        meaning: "The same request is being worked on for an earlier caller, and cannot be joined: redirect URLs work \
            once, so that one answer cannot serve two. Nothing was done.",
        advice: "Wait as long as Retry-After says, then send it again.";
    StepOutOfOrder = "step-out-of-order", 409, "Another step comes first", false,
        shopper: "Please complete the earlier steps first.",
        meaning: "The checkout is not at this step: an earlier one is missing, was undone by a change of the cart, or \
            the order exists already. Nothing was done.",
        advice: "Do the step that `next_step` names. The snapshot of the checkout shows all of them.";
    StepInProgress = "step-in-progress", 409, "A step is being worked on", true,
        shopper: "Your last step is still being worked on. Please wait a moment.",
        meaning: "The checkout takes one thing at a time, and is busy with another one. Nothing was done.",
        advice: "Wait as long as Retry-After says, or follow the events of the checkout, then send it again; the same \
            Idempotency-Key may be used.";
    CheckoutClosed = "checkout-closed", 409, "The checkout has ended", false,
        shopper: "This checkout has ended.",
        meaning: "The checkout is completed, cancelled, expired or being undone. It takes nothing more.",
        advice: "Read the checkout to see how it ended. Create a new one to sell more.";
    CheckoutStuck = "checkout-stuck", 409, "A person has to look at this checkout", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "Something happened that the service must not decide by itself; an operator has been told.",
        advice: "Do not start a new checkout for the same cart. Show the shopper that somebody is looking, and follow \
            the events of the checkout.";
    VersionMismatch = "version-mismatch", 412, "The checkout has moved on", false,
        shopper: "Your checkout has changed. Please check it and try again.",
        meaning: "The version in If-Match is not the version of the checkout. Nothing was done.",
        advice: "Read the checkout, decide again, and send the new ETag.";
    AgreementRequired = "agreement-required", 428, "The total that the shopper agreed to is missing", false,
        shopper: "Please check the total of your order, then pay.",
        meaning: "A payment says how much the shopper agreed to pay: by `agreed_total`, or by an If-Match with the one \
            version whose total was shown. Nothing was recorded and nothing was sent.",
        advice: "Send the `grand_total` that was on the shopper's screen as `agreed_total`, or the ETag of the snapshot that \
            was shown as If-Match; the same Idempotency-Key may be used. Nothing above it is ever charged.";
    TotalChanged = "total-changed", 409, "The total rose above what the shopper agreed to", false,
        shopper: "The total of your order has changed. Please check it before you pay.",
        meaning: "The checkout would cost more than the shopper agreed to, so that nothing was charged for it. Parts that were \
            paid before stay paid.",
        advice: "Show `grand_total` and ask again; then send it as agreed_total with a fresh Idempotency-Key.";
    Rejected = "rejected-by-bigcommerce", 422, "BigCommerce refused", false,
        shopper: "This could not be accepted. Please check what you entered.",
        meaning: "BigCommerce refused the step, which had no effect; the steps before it stay done. The shopper or the \
            storefront can correct it.",
        advice: "`upstream` is what BigCommerce said. Correct it and send it with a fresh Idempotency-Key.";
    PaymentDeclined = "payment-declined", 402, "The payment was declined", false,
        shopper: "Your payment was declined. You have not been charged. Please try another way to pay.",
        meaning: "The payment was certainly refused; nothing was charged by it. Parts that were paid before stay paid.",
        advice: "Let the shopper choose another instrument, and pay again with a fresh Idempotency-Key.";
    PaymentInDoubt = "payment-in-doubt", 409, "An earlier payment is unresolved", false,
        shopper: "We are still checking your payment. Please do not pay again.",
        meaning: "An earlier payment of this checkout may have been charged. It is being found out; nothing new is \
            sent meanwhile.",
        advice: "Do not offer to pay again, here or in a new checkout. Follow the events of the checkout.";
    RawCardNotEnabled = "raw-card-not-enabled", 422, "Raw cards are not accepted", false,
        shopper: "This way to pay is not available. Please choose another one.",
        meaning: "The payment carries a card number, and the operator of this service has not turned that on.",
        advice: "Pay with a stored or tokenized instrument.";
    Guarded = "refused-by-guard", 409, "This is not allowed as things stand", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "An operator's action does not fit how the checkout stands, or could charge twice. Nothing was done; \
            `guard` names what refused it.",
        advice: "Read `detail`: it says what can be done instead. `GET /ops/v1/checkouts/{id}/why` lists every action.";
    Contradicted = "contradicted-by-bigcommerce", 409, "BigCommerce says otherwise", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "BigCommerce was asked about an operator's finding and shows something else. Nothing was done.",
        advice: "`evidence` is what BigCommerce shows. Find out why the two differ before anything else is done.";
    OrderBusy = "order-busy", 409, "Another action on this order has not ended", true,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "A refund, a capture, a void or a shipment of the order is on its way, or it is being found out whether it \
            took effect. BigCommerce takes one at a time. Nothing was done.",
        advice: "Look at `GET /ops/v1/order-actions?order_id=`, then ask again after Retry-After with the same key.";
    CartTaken = "cart-taken", 409, "Another checkout has this cart", false,
        shopper: "This cart is being checked out already.",
        meaning: "A checkout that is not cancelled or expired was made for this cart, or has taken it over. Two of them \
            would order it twice.",
        advice: "Go on with that checkout, or cancel it first.";
    RateLimited = "rate-limited", 429, "Too many requests", true,
        shopper: "There is a lot going on. Please try again in a moment.",
        meaning: "There were more requests than the service takes: with this credential, from this address, about this \
            checkout, or more payments than a shopper needs. Nothing was recorded and nothing was sent.",
        advice: "Wait as long as Retry-After says.";
    ServiceUnavailable = "service-unavailable", 503, "This service cannot take it now", true,
        shopper: "The shop cannot be reached at the moment. Please try again in a moment.",
        meaning: "This service is stopping, or its own database does not answer. `may_be_recorded` says whether the request may \
            have been recorded all the same: then it is gone on with. Otherwise nothing was recorded, and nothing was sent.",
        advice: "Send the same request with the same Idempotency-Key again after Retry-After: it is done once. Where \
            `may_be_recorded` is true, do nothing else before that, or read the checkout first.";
    UpstreamUnavailable = "upstream-unavailable", 503, "BigCommerce cannot be reached", true,
        shopper: "The shop cannot be reached at the moment. Please try again.",
        meaning: "The step could not be done because BigCommerce gave no answer, or would not take it now. It had no effect \
            there; the steps before it stay done.",
        advice: "Send the same request with the same Idempotency-Key again after Retry-After.";
    OutcomeUnknown = "outcome-unknown", 503, "Whether it was done is not known", true,
        shopper: "The shop cannot be reached at the moment. Please try again.",
        meaning: "BigCommerce was asked to change an order and gave no answer, and the order does not show the change.",
        advice: "Read the order. The same change may be sent again: doing it twice is the same as doing it once.";
    Internal = "internal", 500, "Something went wrong here", true,
        shopper: "Something went wrong. Please try again.",
        meaning: "A mistake in this service. What was acknowledged before is safe.",
        advice: "Repeat the request with the same Idempotency-Key. Tell the operator the trace_id.";
}

impl Slug {
    /// The problem with this word.
    pub(super) fn find(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|slug| slug.entry().slug == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_of_the_contract_is_there_once_with_its_status() {
        let contract = [
            ("invalid-input", 422),
            ("malformed-request", 400),
            ("unsupported-media-type", 415),
            ("payload-too-large", 413),
            ("method-not-allowed", 405),
            ("unauthorized", 401),
            ("customer-not-proven", 401),
            ("forbidden", 403),
            ("checkout-not-found", 404),
            ("not-found", 404),
            ("idempotency-key-missing", 400),
            ("idempotency-key-reused", 422),
            ("idempotency-key-in-use", 409),
            ("step-out-of-order", 409),
            ("step-in-progress", 409),
            ("checkout-closed", 409),
            ("checkout-stuck", 409),
            ("version-mismatch", 412),
            ("agreement-required", 428),
            ("total-changed", 409),
            ("rejected-by-bigcommerce", 422),
            ("payment-declined", 402),
            ("payment-in-doubt", 409),
            ("raw-card-not-enabled", 422),
            ("refused-by-guard", 409),
            ("contradicted-by-bigcommerce", 409),
            ("order-busy", 409),
            ("cart-taken", 409),
            ("rate-limited", 429),
            ("service-unavailable", 503),
            ("upstream-unavailable", 503),
            ("outcome-unknown", 503),
            ("internal", 500),
        ];
        let table: Vec<(&str, u16)> =
            Slug::ALL.iter().map(|slug| (slug.entry().slug, slug.entry().status)).collect();
        assert_eq!(table, contract);
    }

    #[test]
    fn every_problem_explains_itself() {
        for slug in Slug::ALL {
            let entry = slug.entry();
            assert_eq!(Slug::find(entry.slug), Some(*slug));
            for text in [entry.shopper, entry.meaning, entry.advice] {
                assert!(text.len() > 20 && text.ends_with('.'), "{}: {text}", entry.slug);
            }
            assert!(!entry.title.ends_with('.') && !entry.title.is_empty());
        }
    }
}
