// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {DealTerms, Offer, Permit} from "./ITypes.sol";

/// @title IDeals
/// @notice Offers taken by buyers: budget locked, bond reserved, streams opened; from Open to Recycled.
/// @dev Amounts are base units of the settlement token, bonds of the stake token. Times are on the protocol clock.
interface IDeals {
    /// @notice Where a deal stands. Open and Closing settle; Closed has paid its rest back; None is free for reuse.
    enum DealState {
        None,
        Open,
        Closing,
        Closed
    }

    /// @notice Everything the chain knows of one deal.
    /// @param key keccak256(offer hash, buyer, buyer nonce); all that is signed binds it.
    /// @param buyer Account whose escrow pays.
    /// @param provider Provider's id in the registry.
    /// @param price Settlement token base units per unit.
    /// @param rateCap Units per hour and stream.
    /// @param openedAt Second of opening.
    /// @param end Second from which the rate clock stands; earlier when stopped.
    /// @param budget Settlement token base units locked with all top-ups.
    /// @param remaining Part of the budget not yet paid; of a netted deal all of it until it is closed.
    /// @param allowance Units that may be paid until more are acknowledged: the exposure and what was acknowledged.
    /// @param bond Stake token base units reserved from the provider.
    /// @param openingFee Settlement token base units kept by the provider if nothing was settled.
    /// @param streams Number of streams.
    /// @param kind See Kind.
    /// @param mode See Mode.
    /// @param state See {DealState}.
    /// @param closedAt Second of closing, 0 before.
    /// @param orderKey Key that signs orders.
    /// @param ackKey Key that signs acknowledgements.
    /// @param taskRoot Merkle root of pre-agreed tasks, or zero.
    /// @param place Where its facts stand in code: page * 256 + row; 0 if nowhere.
    struct DealView {
        bytes32 key;
        address buyer;
        uint32 provider;
        uint64 price;
        uint32 rateCap;
        uint32 openedAt;
        uint32 end;
        uint64 budget;
        uint64 remaining;
        uint64 allowance;
        uint96 bond;
        uint64 openingFee;
        uint8 streams;
        uint8 kind;
        uint8 mode;
        DealState state;
        uint32 closedAt;
        address orderKey;
        address ackKey;
        bytes32 taskRoot;
        uint32 place;
    }

    /// @notice An offer was taken.
    /// @param id Small id that routes groups; recycled one day.
    /// @param key Deal key.
    /// @param buyer Account whose escrow pays.
    /// @param provider Provider's id.
    /// @param offer The offer in full, so that the chain alone tells every term.
    /// @param terms The buyer's terms in full.
    /// @param openedAt Second on the protocol clock.
    /// @param bond Stake token base units reserved.
    event DealOpened(
        uint32 indexed id,
        bytes32 indexed key,
        address indexed buyer,
        uint32 provider,
        Offer offer,
        DealTerms terms,
        uint32 openedAt,
        uint96 bond
    );

    /// @notice Budget was added.
    /// @param id Deal.
    /// @param amount Settlement token base units.
    /// @param bond Stake token base units reserved on top.
    event DealToppedUp(uint32 indexed id, uint64 amount, uint96 bond);

    /// @notice The deal went to Closing before its agreed end.
    /// @param id Deal.
    /// @param end Second at which its rate clock stands.
    event DealStopped(uint32 indexed id, uint32 end);

    /// @notice The rest went back to the buyer and the bond to the provider's stake.
    /// @param id Deal.
    /// @param returned Settlement token base units back to free.
    /// @param openingFee Settlement token base units credited to the provider.
    event DealClosed(uint32 indexed id, uint64 returned, uint64 openingFee);

    /// @notice The id can be given to another deal.
    /// @param id Deal id.
    event DealRecycled(uint32 indexed id);

    /// @notice New keys were announced.
    /// @param id Deal.
    /// @param orderKey Key that will sign orders.
    /// @param ackKey Key that will sign acknowledgements.
    /// @param from Second from which {applyDealKeys} can put them in force.
    event DealKeysAnnounced(uint32 indexed id, address orderKey, address ackKey, uint32 from);

    /// @notice The announced keys are in force.
    /// @param id Deal.
    /// @param orderKey Key that signs orders.
    /// @param ackKey Key that signs acknowledgements.
    event DealKeysApplied(uint32 indexed id, address orderKey, address ackKey);

    /// @notice The buyer's side vouched for a stream's work up to `units`.
    /// @param id Deal.
    /// @param stream Stream of the deal.
    /// @param units Cumulative units acknowledged.
    event Acknowledged(uint32 indexed id, uint8 stream, uint48 units);

    /// @notice Every offer of `provider` with a lower nonce is dead.
    /// @param provider Account.
    /// @param nonce Lowest nonce that lives.
    event OffersCancelled(address indexed provider, uint64 nonce);

    /// @notice The offer's signature is not its provider's.
    error DealOfferSignature(address provider);

    /// @notice The offer cannot be taken with these terms; `field` names the first one in the way.
    error DealOfferMismatch(string field, uint256 value, uint256 limit);

    /// @notice The caller is not who this takes.
    error DealUnauthorized(uint32 id, address caller);

    /// @notice The deal is in `state`, which does not allow this.
    error DealWrongState(uint32 id, DealState state);

    /// @notice It is `clock`, this opens at `from`.
    error DealTooEarly(uint32 id, uint32 clock, uint32 from);

    /// @notice The acknowledgement is not signed by the deal's acknowledgement key or covers no more than before.
    error DealBadAcknowledgement(uint32 id, uint8 stream);

    /// @notice Nonces only rise.
    error DealNonceNotRising(uint64 current, uint64 asked);

    /// @notice More was settled than the budget holds: nothing can be added any more.
    error DealExhausted(uint32 id);

    /// @notice The chain does not know a netted deal's units by itself: it is closed by {INets-closeNet}, and its
    /// budget stays what it was.
    error DealNetted(uint32 id);

    /// @notice Disputes are open on the deal.
    error DealDisputed(uint32 id);

    /// @notice Takes an offer with the caller's free balance.
    /// @param offer The provider's offer.
    /// @param signature The provider's EIP-712 signature, 65 bytes, or EIP-1271.
    /// @param terms The buyer's terms.
    /// @return id Deal id.
    function openDeal(
        Offer calldata offer,
        bytes calldata signature,
        DealTerms calldata terms
    ) external returns (uint32 id);

    /// @notice Deposits with a permit and takes an offer in one transaction.
    /// @param offer The provider's offer.
    /// @param signature The provider's signature.
    /// @param terms The buyer's terms.
    /// @param amount Settlement token base units to deposit first.
    /// @param permit The caller's EIP-2612 permit for `amount`.
    /// @return id Deal id.
    function openDealWithPermit(
        Offer calldata offer,
        bytes calldata signature,
        DealTerms calldata terms,
        uint64 amount,
        Permit calldata permit
    ) external returns (uint32 id);

    /// @notice Adds free balance to an Open deal's budget, within the offer's maximum and total; adds bond alike.
    /// @dev Buyer only. Takes the offer again because the chain keeps only its hash in the deal key.
    /// @param id Deal.
    /// @param offer The offer the deal was opened with.
    /// @param nonce The buyer's nonce the deal was opened with.
    /// @param amount Settlement token base units; positive.
    function topUp(uint32 id, Offer calldata offer, uint64 nonce, uint64 amount) external;

    /// @notice Ends a deal early: its buyer at any time, anyone once its budget is used up.
    /// @param id Deal.
    function stop(uint32 id) external;

    /// @notice Returns the rest of a deal whose Closing period is over. Permissionless.
    /// @param id Deal.
    function close(uint32 id) external;

    /// @notice Frees the id of a Closed deal once its retention is over. Permissionless.
    /// @param id Deal.
    function recycle(uint32 id) external;

    /// @notice Announces new order and acknowledgement keys.
    /// @dev Buyer only; replaces an earlier announcement.
    /// @param id Deal.
    /// @param orderKey Key that will sign orders; zero means the buyer.
    /// @param ackKey Key that will sign acknowledgements; zero means the buyer.
    function announceDealKeys(uint32 id, address orderKey, address ackKey) external;

    /// @notice Puts announced keys in force after their notice. Permissionless.
    /// @param id Deal.
    function applyDealKeys(uint32 id) external;

    /// @notice Raises what the buyer's side vouches for, which frees exposure; pays nothing by itself.
    /// @dev Anyone may bring the acknowledgement key's signature.
    /// @param id Deal.
    /// @param stream Stream of the deal.
    /// @param count Receipts covered.
    /// @param units Cumulative units covered.
    /// @param segment Hash of the covered segment's bytes.
    /// @param signature EIP-2098 signature of the acknowledgement key.
    function acknowledge(
        uint32 id,
        uint8 stream,
        uint32 count,
        uint48 units,
        bytes32 segment,
        bytes calldata signature
    ) external;

    /// @notice Kills every offer of the caller with a nonce below `nonce`.
    /// @param nonce Higher than the current one.
    function cancelOffers(uint64 nonce) external;

    /// @notice One deal.
    /// @param id Deal id.
    /// @return See {DealView}.
    function deal(uint32 id) external view returns (DealView memory);

    /// @notice One stream's state.
    /// @param id Deal.
    /// @param index Stream of the deal.
    /// @return count Receipts so far.
    /// @return units Units so far.
    /// @return acknowledged Units the buyer's side has vouched for.
    function stream(uint32 id, uint8 index) external view returns (uint32 count, uint48 units, uint48 acknowledged);

    /// @notice EIP-712 digest of an offer; part of every deal key opened from it.
    /// @param offer The offer.
    /// @return Digest.
    function offerHash(Offer calldata offer) external view returns (bytes32);

    /// @notice Lowest offer nonce of `provider` that lives.
    /// @param provider Account.
    /// @return Nonce.
    function offerNonce(address provider) external view returns (uint64);

    /// @notice Budget taken of an offer so far.
    /// @param hash Offer hash.
    /// @return Settlement token base units.
    function offerTaken(bytes32 hash) external view returns (uint64);
}
