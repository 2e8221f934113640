//! What may be taken away from the saga, to see that the checker misses it. Only the model has these switches.

/// One safeguard that is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A payment whose answer was lost is sent again without a look.
    NoReconcilePayment,
    /// A create-order whose answer was lost is sent again without a look.
    NoReconcileOrder,
    /// Outcomes are written whoever holds the checkout.
    NoFence,
    /// As before, and an order id may be recorded beside another one.
    NoFenceNoUniqueOrder,
    /// A payment whose answer was lost counts as not made.
    FailOpen,
    /// An order that the list does not show is believed absent at once.
    NoSettleWindow,
    /// A refused look for a payment ends its attempt.
    RefusedLookEnds,
    /// A decline of an earlier attempt that is listed late counts as the answer to this one.
    LateDeclineBelieved,
    /// A process whose lease ran out goes on to archive orders.
    ArchiveWithoutLease,
    /// Nobody takes over what a dead process left behind.
    NoRecovery,
    /// A payment that was accepted and is settling counts as made.
    PendingIsPaid,
    /// Before a payment, and before an undoing, it is not asked whether the cart is still there.
    NoCartWitness,
    /// Nor whether the list of orders shows one that was placed elsewhere.
    NoListWitness,
    /// The status of an order counts as money.
    StatusIsMoney,
    /// A restart runs forward what was being undone.
    RestartForward,
}
