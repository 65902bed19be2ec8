// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IOpenings} from "./IOpenings.sol";
import {ITallystick} from "./ITallystick.sol";

/// @title ICourt
/// @notice What courts share: how a receipt is shown, and money that waits for who it belongs to.
/// @dev Amounts are base units of the settlement token. Times are seconds on the protocol clock. A court keeps a hash
/// of whatever is open, so whoever acts on it brings its facts along: an act binds everything that led to it.
interface ICourt {
    /// @notice What proves a receipt. Batch: its place in an attested batch. Stream: its place in the stream's own
    /// record. Signed: the worker's signature alone.
    enum Source {
        Batch,
        Stream,
        Signed
    }

    /// @notice A receipt as it is shown.
    /// @param source What proves it.
    /// @param worker Worker's index; for a signed one only.
    /// @param index Receipts of the stream before it.
    /// @param place See {IOpenings}; of a signed one the tally: deal key (32) ‖ stream (1) ‖ first (3) ‖ count (3) ‖
    /// units so far (5).
    /// @param receipts Bytes of all receipts of its group.
    /// @param signature The worker's over the tally, EIP-2098; for a signed one only.
    struct Shown {
        Source source;
        uint40 worker;
        uint24 index;
        bytes place;
        bytes receipts;
        bytes signature;
    }

    /// @notice A receipt that was proven.
    /// @param key Key of its deal.
    /// @param stream Of the deal.
    /// @param index Receipts of the stream before it.
    /// @param units Its units.
    /// @param keep Units of the stream before it.
    /// @param last Units of the stream after its group.
    /// @param forced Whether its group was settled without the committee.
    /// @param settledAt When its group was settled; 0 where only a signature proves it.
    /// @param workHash Its work hash.
    struct Proven {
        bytes32 key;
        uint8 stream;
        uint24 index;
        uint24 units;
        uint40 keep;
        uint40 last;
        bool forced;
        uint32 settledAt;
        bytes32 workHash;
    }

    /// @notice What a work hash was made of, see docs/protocol.md.
    /// @param taskHash Struct hash of the order.
    /// @param outputRoot Data root of the result as delivered.
    /// @param plainHash keccak256 of the plain result.
    /// @param startedAt Unix second.
    /// @param endedAt Unix second.
    struct Work {
        bytes32 taskHash;
        bytes32 outputRoot;
        bytes32 plainHash;
        uint64 startedAt;
        uint64 endedAt;
    }

    /// @notice What makes work billable, as the deal's order key signs it.
    /// @param index Number of the task.
    /// @param inputRoot Data root of its input.
    /// @param maxUnits Most units it may cost.
    struct Order {
        uint64 index;
        bytes32 inputRoot;
        uint48 maxUnits;
    }

    /// @notice Money was paid out.
    /// @param account Whose it was.
    /// @param amount Settlement token base units.
    event Withdrawn(address indexed account, uint64 amount);

    /// @notice The deal is not there, is closed, or has another key.
    error CourtNoSuchDeal(uint32 id);

    /// @notice The signature is not that of a worker of the deal's provider, or no longer counts.
    error CourtNotAWorker(uint40 worker);

    /// @notice The receipts' bytes are not the group's, or hold no such receipt.
    error CourtMalformedReceipts(uint256 size, uint24 index);

    /// @notice The money of the receipt's group has matured.
    error CourtMatured(uint32 settledAt);

    /// @notice A receipt below the stream's cursor is shown by where it was settled.
    error CourtSettled(uint24 index, uint32 cursor);

    /// @notice The buyer's side vouched for these units: they are final.
    error CourtAcknowledged(uint256 acknowledged, uint40 keep);

    /// @notice The work hash was made of something else.
    error CourtOtherWork(bytes32 workHash);

    /// @notice The offer, buyer and nonce do not lead to the deal's key.
    error CourtOtherOffer(bytes32 key);

    /// @notice The facts are not those of anything open.
    error CourtOtherFacts(bytes32 id);

    /// @notice It is `clock`, and this was possible until `until`, or is from then on.
    error CourtWrongTime(uint32 clock, uint32 until);

    /// @notice The caller is not who this takes.
    error CourtUnauthorized(address caller);

    /// @notice A governed number lies outside its bounds.
    error CourtOutOfBounds(uint256 value);

    /// @notice The account has nothing here.
    error CourtNothingOwed(address account);

    /// @notice Pays an account what it is owed. Permissionless.
    /// @param account Whose money.
    function withdraw(address account) external;

    /// @notice What an account can be paid.
    /// @param account Whose money.
    /// @return Settlement token base units.
    function owed(address account) external view returns (uint64);

    /// @notice The settlement whose deals are judged.
    /// @return Its address.
    function SETTLEMENT() external view returns (ITallystick);

    /// @notice Opens what the settlement keeps hashes of.
    /// @return Its address.
    function OPENINGS() external view returns (IOpenings);
}
