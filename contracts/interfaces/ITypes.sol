// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// @notice How a batch may prove that its groups deserve payment. The value is the second byte of a batch.
/// @dev Acknowledged: the buyer's acknowledgement key signed, money is claimable at once.
/// Attested: m-of-n of the committee signed, money matures after the attested window.
/// Forced: the provider's side posts alone, money matures after the longer forced window.
enum Lane {
    Acknowledged,
    Attested,
    Forced
}

/// @notice Where the receipts' bytes of a batch live. The value is the first byte of a batch.
enum Mode {
    Calldata,
    Blob,
    Net
}

/// @notice What kind of work an offer sells, which decides how a wrong result can be shown.
/// @dev Provable: a RISC-V program, refutable down to one instruction. Repeatable: deterministic, anyone can re-execute
/// it, but not on chain. Service: everything else.
enum Kind {
    Provable,
    Repeatable,
    Service
}

/// @notice What happened to one group of a batch: the first of the 16 bytes that `settle` returns for each, see
/// {FactsLib}.
/// @dev Applied and Clamped moved the stream; every other outcome left no trace and may be retried.
enum Outcome {
    Applied,
    Clamped,
    DealNotOpen,
    StreamOutOfRange,
    Stale,
    Gap,
    RateExceeded,
    ExposureExceeded,
    CoverageExceeded,
    NotAWorker,
    BadSignature,
    BadAcknowledgement,
    ModeMismatch,
    UnitsMismatch
}

/// @notice What somebody is slashed for. Each (deal key, stream, class) is punished once.
enum Fault {
    Equivocation,
    Unordered,
    DuplicateTask,
    OverMaximum,
    Overclaim,
    DoubleSelling,
    NoShow,
    WrongResult,
    Withheld,
    Minority,
    BadAttestation,
    ConflictingAttestation,
    BrokenPromise,
    VoidBlob,
    WrongNet
}

/// @notice A provider's signed, off-chain promise to sell work. EIP-712 struct `Offer`, fields in this order.
/// @param provider Account that signs, stakes and is paid.
/// @param nonce Dead once the provider's offer nonce on chain is above it.
/// @param salt Makes two otherwise equal offers different.
/// @param program Data root of the program's bytes, or an identifier of the service.
/// @param kind See {Kind}.
/// @param unit What one unit is, as a short right-padded string.
/// @param price Settlement token base units per unit.
/// @param rateCap Units per hour one stream may be paid for, cumulative from the deal's opening.
/// @param minBudget Smallest budget of one deal, settlement token base units.
/// @param maxBudget Largest budget of one deal with its top-ups, settlement token base units.
/// @param total Sum of budgets over all takes, settlement token base units.
/// @param buyer Only account that may take it; zero means anyone.
/// @param openingFee Kept by the provider if the deal closes with nothing settled, settlement token base units.
/// @param maxDuration Longest deal, seconds.
/// @param expiry Last second on the protocol clock at which it can be taken.
/// @param mode Receipts' place: 0 for deals settled with their receipts' bytes, 2 for netted deals.
/// @param maxStreams Most streams of one deal.
/// @param minExposure Least exposure of one deal, units: a deal of less could bind a bond and allow no work.
/// @param arbiter Contract that rules where a result cannot be proven, as in ERC-792; zero if nobody does.
/// @param panel Whether the provider may be slashed for being in the minority of a panel that was drawn at random.
struct Offer {
    address provider;
    uint64 nonce;
    bytes32 salt;
    bytes32 program;
    uint8 kind;
    bytes32 unit;
    uint64 price;
    uint32 rateCap;
    uint64 minBudget;
    uint64 maxBudget;
    uint64 total;
    address buyer;
    uint64 openingFee;
    uint32 maxDuration;
    uint32 expiry;
    uint8 mode;
    uint8 maxStreams;
    uint48 minExposure;
    address arbiter;
    bool panel;
}

/// @notice What the buyer fixes when it takes an offer.
/// @param budget Settlement token base units locked for the deal.
/// @param exposure Units that may be paid beyond the acknowledged ones.
/// @param duration Seconds from opening to the end of the deal.
/// @param streams Number of streams, 1 to 62.
/// @param orderKey Key that signs orders; zero means the buyer itself.
/// @param ackKey Key that signs acknowledgements; zero means the buyer itself.
/// @param taskRoot Merkle root of the tasks billable without a signed order; zero if none.
struct DealTerms {
    uint64 budget;
    uint48 exposure;
    uint32 duration;
    uint8 streams;
    address orderKey;
    address ackKey;
    bytes32 taskRoot;
}

/// @notice An EIP-2612 permit of the caller for the called contract.
/// @param deadline Unix seconds.
/// @param v Recovery byte.
/// @param r Signature word.
/// @param s Signature word.
struct Permit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}
