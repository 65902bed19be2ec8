// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICourt} from "./ICourt.sol";
import {Offer} from "./ITypes.sol";

/// @title IDemands
/// @notice Demand and reveal: what a party must be able to show is asked for on chain, and silence has consequences.
/// @dev A demand prepays its answer's gas, which goes to whoever answers; only silence returns it. Each further demand
/// that is open on a deal costs its side twice as much: buyer's side, provider's side and everybody else count apart,
/// so that nobody can make it dear for another. Answers are open to anyone and stand in calldata for everyone.
///
/// A demand's facts stand in its event. The chain keeps one word for each, found by what is asked for and not by whom:
/// the same thing is never asked for twice.
interface IDemands is ICourt {
    /// @notice What is asked for. Order: the order of a receipt. Output: one chunk of a receipt's output. Input: one
    /// chunk of an order's input. Work: orders worth the offer's minimum budget.
    enum Ask {
        Order,
        Output,
        Input,
        Work
    }

    /// @notice Where a demand stands.
    enum DemandState {
        None,
        Open,
        Answered,
        Silent
    }

    /// @notice Who demanded.
    enum Side {
        Anyone,
        Buyer,
        Provider
    }

    /// @notice Facts of a demand.
    /// @param ask What is asked for.
    /// @param side Who demanded.
    /// @param id Deal's id.
    /// @param key Deal's key.
    /// @param stream Of the receipt.
    /// @param index Receipts of the stream before it.
    /// @param units The receipt's; for Work the units that the orders must allow together.
    /// @param keep Units of the stream before the receipt.
    /// @param last Units of the stream after the receipt's group.
    /// @param forced Whether that was settled without the committee.
    /// @param settledAt When it was settled; 0 where only a signature proves the receipt.
    /// @param subject Work hash of the receipt, or root of the input.
    /// @param chunk Number of the chunk.
    /// @param by Account that demanded.
    /// @param prepaid Settlement token base units for who answers.
    /// @param until Last second for an answer.
    struct Demand {
        Ask ask;
        Side side;
        uint32 id;
        bytes32 key;
        uint8 stream;
        uint24 index;
        uint64 units;
        uint40 keep;
        uint40 last;
        bool forced;
        uint32 settledAt;
        bytes32 subject;
        uint32 chunk;
        address by;
        uint64 prepaid;
        uint32 until;
    }

    /// @notice A chunk of content with its path to the content's data root.
    /// @param length Bytes of the content.
    /// @param data The chunk; where the content ends before it, the last chunk that there is.
    /// @param path Siblings from below, 32 bytes each.
    struct Chunk {
        uint64 length;
        bytes data;
        bytes path;
    }

    /// @notice Something was demanded.
    /// @param demand Its identity.
    /// @param id Deal.
    /// @param facts Everything about it.
    event Demanded(bytes32 indexed demand, uint32 indexed id, Demand facts);

    /// @notice A demand was answered.
    /// @param demand Its identity.
    /// @param id Deal.
    /// @param by Who answered.
    event Answered(bytes32 indexed demand, uint32 indexed id, address by);

    /// @notice Nobody answered in time.
    /// @param demand Its identity.
    /// @param id Deal.
    /// @param facts Everything about it.
    event Silenced(bytes32 indexed demand, uint32 indexed id, Demand facts);

    /// @notice An order key counts for a deal's orders, even when it is replaced.
    /// @param id Deal.
    /// @param key Deal key.
    /// @param orderKey The key.
    event OrderKeyKept(uint32 indexed id, bytes32 indexed key, address orderKey);

    /// @notice The price of answers changed.
    /// @param perKilobyte Settlement token base units per 1,000 bytes.
    event PriceSet(uint64 perKilobyte);

    /// @notice The same thing was demanded before.
    error DemandsAsked(bytes32 demand, DemandState state);

    /// @notice Too many demands of one side are open on the deal.
    error DemandsTooMany(bytes32 key);

    /// @notice No key of the deal signed the order, nor is it under the deal's task root.
    error DemandsNoAuthority(bytes32 taskHash);

    /// @notice The order allows fewer units.
    error DemandsTooFewUnits(uint256 units, uint256 needed);

    /// @notice Chunk and path do not lead to the content's root.
    error DemandsOtherContent(bytes32 root);

    /// @notice The answer is one to something else.
    error DemandsOtherAsk(Ask ask);

    /// @notice Orders come by rising index.
    error DemandsNotRising(uint64 index);

    /// @notice Demands the order of a receipt that was settled, or signed on a deal that is not closed. Anyone.
    /// @dev Silence: the provider is slashed, the stream frozen, and its unmatured units from this receipt on are
    /// void.
    /// @param id Deal's id.
    /// @param shown The receipt.
    /// @return demand Its identity.
    function demandOrder(uint32 id, Shown calldata shown) external returns (bytes32 demand);

    /// @notice Demands a chunk of a receipt's output. Buyer, order key and acknowledgement key only.
    /// @dev Silence: as {demandOrder}.
    /// @param id Deal's id.
    /// @param shown The receipt.
    /// @param chunk Number of the chunk, 4,096 bytes each.
    /// @return demand Its identity.
    function demandOutput(uint32 id, Shown calldata shown, uint32 chunk) external returns (bytes32 demand);

    /// @notice Demands a chunk of an order's input. Provider's side only, on an Open deal, and so
    /// early that the time for an answer is over before its closing period is.
    /// @dev Silence: the deal is excused from no-show.
    /// @param id Deal's id.
    /// @param order The order.
    /// @param authority What makes it one, see {answerOrder}.
    /// @param chunk Number of the chunk.
    /// @return demand Its identity.
    function demandInput(
        uint32 id,
        Order calldata order,
        bytes calldata authority,
        uint32 chunk
    ) external returns (bytes32 demand);

    /// @notice Demands orders worth the offer's minimum. Provider's side only, in the second half of an Open deal's
    /// time.
    /// @dev Silence: the deal is excused from no-show.
    /// @param id Deal's id.
    /// @param offer The deal's offer.
    /// @param nonce The buyer's, with which the deal was opened.
    /// @return demand Its identity.
    function demandWork(uint32 id, Offer calldata offer, uint64 nonce) external returns (bytes32 demand);

    /// @notice Shows a receipt's order.
    /// @param facts The demand.
    /// @param work What the work hash was made of.
    /// @param order The order.
    /// @param authority 64 bytes: EIP-2098 signature of the deal's order key or of one that was kept. Else leaf's
    /// index (4) ‖ number of leaves (4) ‖ path under the deal's task root.
    function answerOrder(
        Demand calldata facts,
        Work calldata work,
        Order calldata order,
        bytes calldata authority
    ) external;

    /// @notice Shows a chunk of a receipt's output, or that there are not so many.
    /// @param facts The demand.
    /// @param work What the work hash was made of.
    /// @param chunk The chunk.
    function answerOutput(Demand calldata facts, Work calldata work, Chunk calldata chunk) external;

    /// @notice Shows a chunk of an order's input, or that there are not so many.
    /// @param facts The demand.
    /// @param chunk The chunk.
    function answerInput(Demand calldata facts, Chunk calldata chunk) external;

    /// @notice Shows orders worth the offer's minimum.
    /// @param facts The demand.
    /// @param orders By rising index.
    /// @param authorities What makes each one, see {answerOrder}.
    function answerWork(Demand calldata facts, Order[] calldata orders, bytes[] calldata authorities) external;

    /// @notice Draws the consequence of silence, and returns what was prepaid. Permissionless.
    /// @param facts The demand.
    function lapse(Demand calldata facts) external;

    /// @notice Lets a deal's present order key count for its orders for good. Permissionless; who took orders under a
    /// key keeps it while the notice of another one runs.
    /// @param id Deal's id.
    function keepOrderKey(uint32 id) external;

    /// @notice Replaces the price of answers. Governance only.
    /// @param perKilobyte Settlement token base units per 1,000 bytes, 1 to 2^40.
    function setPrice(uint64 perKilobyte) external;

    /// @notice Whether a deal's provider asked for work or input and was not answered: then nothing settled is no
    /// no-show. True while such a demand is open, too.
    /// @param key Deal's key.
    /// @return True if so.
    function isExcused(bytes32 key) external view returns (bool);

    /// @notice Where a demand stands.
    /// @param demand Its identity.
    /// @return state See {DemandState}.
    /// @return until Last second for an answer.
    function demandOf(bytes32 demand) external view returns (DemandState state, uint32 until);

    /// @notice What a demand costs now.
    /// @param key Deal's key.
    /// @param side Who demands.
    /// @param ask What for.
    /// @return Settlement token base units.
    function priceOf(bytes32 key, Side side, Ask ask) external view returns (uint64);

    /// @notice Price of answers.
    /// @return Settlement token base units per 1,000 bytes.
    function perKilobyte() external view returns (uint64);
}
