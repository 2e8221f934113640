//! The one table of problems: what each means, to whom, and whether it makes sense to try again.

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $slug:literal, $status:literal, $title:literal, $retryable:literal,
       shopper: $shopper:literal, meaning: $meaning:literal, advice: $advice:literal;)+) => {
        /// What went wrong, by its word.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Slug { $($(#[$doc])* #[doc = $meaning] $variant),+ }

        impl Slug {
            /// Every problem, in the order of the documentation.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Everything about it.
            pub(crate) fn entry(self) -> &'static Entry {
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
pub(crate) struct Entry {
    /// The last part of its `type`.
    pub(crate) slug: &'static str,
    /// HTTP status.
    pub(crate) status: u16,
    /// A few words.
    pub(crate) title: &'static str,
    /// Whether the same request may succeed later without any change.
    pub(crate) retryable: bool,
    /// A sentence that may be shown to the shopper.
    pub(crate) shopper: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What the storefront should do.
    pub(crate) advice: &'static str,
}

problems! {
    InvalidInput = "invalid-input", 422, "Invalid request body", false,
        shopper: "Please check what you entered.",
        meaning: "The body is JSON, but not what this call takes. Nothing was recorded and nothing was sent.",
        advice: "Read `errors`: each names a place in the body (a JSON pointer) and says what must be there. Correct \
            all of them and send the request again; the same Idempotency-Key may be used.";
    MalformedRequest = "malformed-request", 400, "Malformed request", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The body is not JSON (or not UTF-8, or nested too deeply, or contains a field twice), or a header has an \
            invalid value.",
        advice: "The client sent an invalid request. See `detail`.";
    UnsupportedMediaType = "unsupported-media-type", 415, "Unsupported media type", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The Content-Type of the request is not application/json in UTF-8, or the body is compressed \
            (Content-Encoding).",
        advice: "Send `Content-Type: application/json`, and the body without compression.";
    PayloadTooLarge = "payload-too-large", 413, "Request body too large", false,
        shopper: "This is too much for one order.",
        meaning: "The body is larger than this service is configured to accept.",
        advice: "Send a smaller body. A checkout of 600 items is within the default limit.";
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The path exists, but does not support this method.",
        advice: "The header `Allow` lists the methods; the reference is at /docs.";
    Unauthorized = "unauthorized", 401, "Authentication required", false,
        shopper: "Your session has ended. Please start again.",
        meaning: "The request has no credential, or an unknown one.",
        advice: "Send `Authorization: Bearer <credential>`: a storefront key, or the checkout_token that came with the \
            checkout.";
    CustomerNotProven = "customer-not-proven", 401, "Customer not verified", false,
        shopper: "Your session has ended. Please sign in again.",
        meaning: "The `customer_token` could not be verified: it is not a BigCommerce Current Customer token for this store, \
            signed with its client secret (HS256), or it has expired. Nothing was recorded or sent.",
        advice: "Get a new one from the storefront (`/customer/current.jwt?app_client_id=...`) and send it with the same \
            Idempotency-Key. For a shopper who is not signed in, send none.";
    Forbidden = "forbidden", 403, "Not permitted with this credential", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The credential is valid, but not for this: a checkout token cannot create checkouts, \
            an operator token works on /ops only, a storefront key on /v1 only, a publishable key only creates checkouts, \
            from its own origins, only a server key may set the customer or a price, and an operator's action needs its \
            role. Nothing was recorded or sent.",
        advice: "If there are `errors`, each points to a field that needs a server key or a verified customer (a JSON \
            pointer). Otherwise use a storefront key of the store; in a browser, one that lists the origin of the page, and \
            then the checkout_token. Operators: `needs` is the required role.";
    CheckoutNotFound = "checkout-not-found", 404, "Checkout not found", false,
        shopper: "This checkout no longer exists. Please start again from your cart.",
        meaning: "There is no checkout with this id that the credential may access.",
        advice: "Check the id, and that the credential belongs to the same store or to this checkout.";
    NotFound = "not-found", 404, "Not found", false,
        shopper: "This page does not exist.",
        meaning: "There is no such path.",
        advice: "The reference at /docs lists every path.";
    KeyMissing = "idempotency-key-missing", 400, "Idempotency-Key header required", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "Every POST under /v1 needs the header Idempotency-Key, so that it can be retried safely.",
        advice: "Send a new random value, such as a UUID, for each new action of the shopper, and the same value when you \
            retry the same request.";
    KeyReused = "idempotency-key-reused", 422, "Idempotency-Key already used for another request", false,
        shopper: "Something went wrong on this page. Please try again.",
        meaning: "The key was used with another body, another call or another checkout. Nothing was done.",
        advice: "Use a new key for a new request. To retry a request, send it unchanged.";
    KeyInUse = "idempotency-key-in-use", 409, "Request with this Idempotency-Key still running", true,
        shopper: "We are still working on your last step. Please wait a moment.",
        meaning: "The same request is still running for an earlier caller and cannot be joined: redirect URLs can be used \
            once, so one answer cannot serve two callers. Nothing was done.",
        advice: "Retry after the time in Retry-After.";
    StepOutOfOrder = "step-out-of-order", 409, "Another step comes first", false,
        shopper: "Please complete the earlier steps first.",
        meaning: "The checkout is not at this step: an earlier step is missing or was invalidated by a change of the cart, \
            or the order already exists. Nothing was done.",
        advice: "Do the step in `next_step`. The checkout lists all of them.";
    StepInProgress = "step-in-progress", 409, "Step in progress", true,
        shopper: "We are still working on your last step. Please wait a moment.",
        meaning: "The checkout runs one operation at a time and is busy with another one. Nothing was done.",
        advice: "Retry after the time in Retry-After, or follow the events of the checkout; the same Idempotency-Key may be \
            used.";
    CheckoutClosed = "checkout-closed", 409, "Checkout closed", false,
        shopper: "This checkout has ended. Please start a new one.",
        meaning: "The checkout is completed, canceled, expired or being canceled. It accepts no more changes.",
        advice: "Read the checkout to see how it ended. Create a new one to order again.";
    CheckoutStuck = "checkout-stuck", 409, "Manual review required", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "Something happened that the service must not decide by itself; operators have been notified.",
        advice: "Do not start a new checkout for the same cart. Tell the shopper that the order is being reviewed, and \
            follow the events of the checkout.";
    VersionMismatch = "version-mismatch", 412, "Checkout has changed", false,
        shopper: "Your checkout has changed. Please check it and try again.",
        meaning: "The version in If-Match is not the version of the checkout. Nothing was done.",
        advice: "Read the checkout, decide again, and send the new ETag.";
    AgreementRequired = "agreement-required", 428, "Agreed total required", false,
        shopper: "Please check the total of your order, then pay.",
        meaning: "A payment must state the total that the shopper agreed to: as `agreed_total`, or as an If-Match with the \
            version whose total was shown. Nothing was recorded or sent.",
        advice: "Send the `grand_total` that the shopper saw as `agreed_total`, or the ETag of the checkout that was shown \
            as If-Match; the same Idempotency-Key may be used. Nothing above it is ever charged.";
    TotalChanged = "total-changed", 409, "Total is above the agreed total", false,
        shopper: "The total of your order has changed. Please check it before you pay.",
        meaning: "The checkout would cost more than the shopper agreed to, so nothing was charged for it. Parts that were \
            paid before stay paid.",
        advice: "Show `grand_total` and ask the shopper again; then send it as agreed_total with a new Idempotency-Key.";
    Rejected = "rejected-by-bigcommerce", 422, "Rejected by BigCommerce", false,
        shopper: "This could not be accepted. Please check what you entered.",
        meaning: "BigCommerce refused the step, which had no effect; the steps before it stay done. The shopper or the \
            storefront can correct it. With `coupon_codes`: the cart was made without these coupons, and the checkout \
            goes on.",
        advice: "`upstream` is BigCommerce's answer. Correct the request and send it with a new Idempotency-Key. With \
            `next_step`: go on there. `cart`: no cart was made; send its items with POST /v1/checkouts/{id}/items.";
    NotDeliverable = "not-deliverable", 422, "No delivery to this address", false,
        shopper: "We do not deliver to this address. Please choose another one.",
        meaning: "BigCommerce took the address and offers no shipping option for it. Nothing else was changed.",
        advice: "Ask for another address and send the consignments again, with a new Idempotency-Key if it is a POST.";
    MethodUnavailable = "payment-method-unavailable", 422, "Payment method not available", false,
        shopper: "This payment method is not available here. Please choose another one.",
        meaning: "The store takes no payment by this `payment_method_id`, or its gateway is not set up for it \
            (`upstream`). Nothing was charged by it; the checkout can still be paid.",
        advice: "Offer what `GET /v1/checkouts/{id}/payment-methods` lists, and pay again with a new Idempotency-Key. \
            Operators see it in the log and in `headless_checkout_payment_methods_unavailable_total`.";
    PaymentDeclined = "payment-declined", 402, "Payment declined", false,
        shopper: "Your payment was declined. You have not been charged. Please try another payment method.",
        meaning: "The payment was certainly refused; nothing was charged by it. Parts that were paid before stay paid.",
        advice: "Let the shopper choose another payment method, and pay again with a new Idempotency-Key.";
    PaymentInDoubt = "payment-in-doubt", 409, "Earlier payment unresolved", false,
        shopper: "We are still checking your payment. Please do not pay again.",
        meaning: "An earlier payment of this checkout may have been charged. The service is finding out; nothing new is sent \
            in the meantime.",
        advice: "Do not offer to pay again, here or in a new checkout. Follow the events of the checkout.";
    RawCardNotEnabled = "raw-card-not-enabled", 422, "Raw cards not accepted", false,
        shopper: "This payment method is not available. Please choose another one.",
        meaning: "The payment contains a card number, and this service is not configured to accept them.",
        advice: "Pay with a stored or tokenized instrument.";
    Guarded = "refused-by-guard", 409, "Action not allowed in the current state", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "An operator's action is not possible in the current state, or could charge twice. Nothing was done; \
            `guard` names the rule that refused it.",
        advice: "`detail` says what can be done instead. `GET /ops/v1/checkouts/{id}/why` lists every action.";
    Contradicted = "contradicted-by-bigcommerce", 409, "Contradicted by BigCommerce", false,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "BigCommerce's data contradicts an operator's finding. Nothing was done.",
        advice: "`evidence` is what BigCommerce shows. Find out why they differ before you do anything else.";
    OrderBusy = "order-busy", 409, "Another action on this order is in progress", true,
        shopper: "We are looking into your order. Please do not pay again; we will contact you.",
        meaning: "A refund, capture, void or shipment of the order is in progress, or its result is not known yet. \
            BigCommerce takes one at a time. Nothing was done.",
        advice: "See `GET /ops/v1/order-actions?order_id=`, then retry after Retry-After with the same key.";
    CartTaken = "cart-taken", 409, "Cart belongs to another checkout", false,
        shopper: "This cart is already being checked out. Please continue there, or start again with a new cart.",
        meaning: "A checkout that is not canceled or expired already uses this cart. Two of them would order it twice.",
        advice: "With a server key, `instance` and Location name that checkout, and `checkout_token` is a new token for it: \
            continue with it, or cancel it. With a publishable key, continue with the checkout_token of its creation, ask \
            your server, or create a new cart.";
    RateLimited = "rate-limited", 429, "Too many requests", true,
        shopper: "We are very busy right now. Please try again in a moment.",
        meaning: "Too many requests: with this credential, from this address, about this \
            checkout, more payments than a shopper needs, or too many \
            that were declined. Nothing was recorded and nothing was sent.",
        advice: "Retry after the time in Retry-After.";
    ServiceUnavailable = "service-unavailable", 503, "Service temporarily unavailable", true,
        shopper: "The shop cannot be reached at the moment. Please try again in a moment.",
        meaning: "This service is stopping, or its own database does not answer. `may_be_recorded` says whether the request \
            may have been recorded; if so, it is continued. Otherwise nothing was recorded or sent.",
        advice: "Send the same request with the same Idempotency-Key again after Retry-After: it runs once. If \
            `may_be_recorded` is true, do nothing else before that, or read the checkout first.";
    UpstreamUnavailable = "upstream-unavailable", 503, "BigCommerce is unavailable", true,
        shopper: "The shop cannot be reached at the moment. Please try again.",
        meaning: "The step could not be done because BigCommerce did not answer or did not accept it at the moment. \
            Nothing was ordered or charged by it; the steps before it stay done. If BigCommerce could not be asked whether a \
            change took effect, the checkout is read again before anything is ordered.",
        advice: "Send the same request with the same Idempotency-Key again after Retry-After.";
    OutcomeUnknown = "outcome-unknown", 503, "Outcome unknown", true,
        shopper: "The shop cannot be reached at the moment. Please try again.",
        meaning: "BigCommerce was asked to change an order and did not answer, and the order does not show the change.",
        advice: "Read the order. You may send the same change again: repeating it has no further effect.";
    Internal = "internal", 500, "Internal error", true,
        shopper: "Something went wrong. Please try again.",
        meaning: "An error in this service. Everything it acknowledged before is safe.",
        advice: "Retry with the same Idempotency-Key. Give the trace_id to the operator.";
}

impl Slug {
    /// The problem with this word.
    pub(crate) fn find(word: &str) -> Option<Self> {
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
            ("not-deliverable", 422),
            ("payment-method-unavailable", 422),
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
