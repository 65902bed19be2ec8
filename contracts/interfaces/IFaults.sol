// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {INets} from "./INets.sol";
import {Fault, Offer} from "./ITypes.sol";

/// @title IFaults
/// @notice Faults that one transaction proves, by signatures and what the settlement holds. Anyone may prove one and is
/// its reporter. A proof slashes the provider, and freezes the stream or stops the netted deal; the settled units from
/// the fault on are voided by whoever shows where they were settled.
/// @dev A proof's subject is keccak256(abi.encode(deal key, stream, fault)). Its evidence, which an earlier commitment
/// names and the vault's case holds, is keccak256(abi.encode(uint256 index, detail)): `detail` a hash of what was
/// signed, which
/// nobody who copies the proof can change, `index` the first receipt of the stream that the fault makes void. Packed
/// integers are big-endian:
/// ```
/// tally   = first (3) ‖ count (3) ‖ units so far (5) ‖ worker (5) ‖ worker's signature (64)
/// receipt = deal id (4) ‖ stream (1) ‖ tally ‖ index (3) ‖ task hash (32) ‖ output commitment (32) ‖ started at (8)
///         ‖ ended at (8) ‖ the tally's receipts, units (3) ‖ work hash (32) each
/// ```
/// Keys of one provider count as one signer. What a revoked worker signed counts until its revocation, the forced
/// window
/// and 33 hours are over.
interface IFaults {
    /// @notice A fault was proven.
    /// @param subject Subject of the vault's case.
    /// @param index First receipt of the stream that it makes void.
    /// @param detail Hash of what was signed.
    event FaultProven(bytes32 indexed subject, uint24 index, bytes32 detail);

    /// @notice A provider declared how many tasks one of its workers does at once.
    /// @param provider Provider's id.
    /// @param capacity Tasks at once; 0 if it declares nothing.
    /// @param from Unix second from which it holds.
    event CapacityDeclared(uint32 indexed provider, uint16 capacity, uint64 from);

    /// @notice The evidence has another length than it says, or its tallies or receipts are not in ascending order.
    error FaultsMalformed();

    /// @notice There is no such deal or stream.
    error FaultsNoSuchStream(uint32 id, uint8 stream);

    /// @notice The signature is not by this worker, or the worker is not the deal's provider's.
    error FaultsNotSigned(uint40 worker);

    /// @notice The worker was revoked so long ago that what it signed no longer counts.
    error FaultsRevoked(uint40 worker);

    /// @notice What was shown is no fault of this class.
    error FaultsNothingWrong(Fault fault);

    /// @notice The deal is not over, its buyer stopped it, or its provider is excused.
    error FaultsNoShowRefused(uint32 id);

    /// @notice The offer, or the buyer's nonce, is not the deal's.
    error FaultsOtherOffer(uint32 id);

    /// @notice The caller does not act for this provider.
    error FaultsUnauthorized(uint32 provider, address caller);

    /// @notice Two tallies that no one history of the stream has: equal count and other units; equal first, equal count
    /// and another segment; or a greater count and fewer units.
    /// @dev Void from the first receipt that either of them covers.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param tallies Two of `tally ‖ segment (32)`, by ascending tally hash.
    function proveEquivocation(uint32 id, uint8 stream, bytes calldata tallies) external;

    /// @notice Two tallies whose receipts differ at an index that both cover.
    /// @dev Void from that index.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param index First receipt that differs.
    /// @param tallies Two tallies, by ascending tally hash.
    /// @param receipts Bytes of the first one's receipts, then of the second one's.
    function proveOverlap(
        uint32 id,
        uint8 stream,
        uint24 index,
        bytes calldata tallies,
        bytes calldata receipts
    ) external;

    /// @notice A tally of more units than 1.25 times the rate cap allows for the seconds since the deal's opening, and
    /// one hour's more.
    /// @dev Seconds of block time, of which there were never fewer than on the protocol clock. Void from the tally's
    /// first receipt.
    /// @param id Deal's id.
    /// @param stream Index.
    /// @param tally `tally ‖ segment (32)`.
    function proveOverclaim(uint32 id, uint8 stream, bytes calldata tally) external;

    /// @notice Two receipts of one deal with one task.
    /// @dev Charged to the second one's stream, void from there.
    /// @param receipts Two of them, by ascending stream and index.
    function proveDuplicate(bytes calldata receipts) external;

    /// @notice A receipt of more units than its order allows.
    /// @dev Void from there.
    /// @param receipt The receipt.
    /// @param order `index (8) ‖ input root (32) ‖ most units (6)`, which the receipt's task hash is of.
    function proveOverMaximum(bytes calldata receipt, bytes calldata order) external;

    /// @notice Receipts of one worker's key that share an instant, more of them than its provider declared its workers
    /// do at once. The deals may differ, the provider may not.
    /// @dev Charged to the first one's stream, void from there. Receipts of an empty time share nothing.
    /// @param receipts 2 to 8, by ascending deal id, stream and index.
    function proveDoubleSelling(bytes calldata receipts) external;

    /// @notice A deal that ran to its end, and its closing period too, in which less was settled than the offer's
    /// smallest budget or, if that is less, than the rate cap allowed. Slashes the bond in proportion, for the buyer.
    /// @param id Deal's id.
    /// @param offer Its offer.
    /// @param nonce The buyer's nonce the deal was opened with.
    function proveNoShow(uint32 id, Offer calldata offer, uint64 nonce) external;

    /// @notice The same of a netted deal, whose units stand under the net root.
    /// @param id Deal's id.
    /// @param offer Its offer.
    /// @param nonce The buyer's nonce the deal was opened with.
    /// @param leaf Its leaf.
    /// @param path The leaf's path.
    function proveNetNoShow(
        uint32 id,
        Offer calldata offer,
        uint64 nonce,
        bytes calldata leaf,
        INets.NetPath calldata path
    ) external;

    /// @notice Declares how many tasks one of a provider's workers does at once, from {CAPACITY_NOTICE} later on.
    /// @dev Owner or operator. What was announced before and does not hold yet is forgotten.
    /// @param provider Provider's id.
    /// @param capacity Tasks at once, 0 for nothing declared.
    function declareCapacity(uint32 provider, uint16 capacity) external;

    /// @notice Tasks one of a provider's workers does at once.
    /// @param provider Provider's id.
    /// @return capacity What holds now; 0 if nothing.
    /// @return next What holds from `from` on.
    /// @return from Unix second.
    function capacityOf(uint32 provider) external view returns (uint16 capacity, uint16 next, uint64 from);

    /// @notice Seconds between declaring a capacity and its holding.
    /// @return Seconds.
    function CAPACITY_NOTICE() external view returns (uint64);
}
