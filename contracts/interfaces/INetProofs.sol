// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {INets} from "./INets.sol";
import {ITallystick} from "./ITallystick.sol";

/// @title INetProofs
/// @notice Shows what is wrong with a net batch that members attested: with two neighbouring records of its blobs, with
/// one record and what the chain knows, or with one leaf of a net root.
/// @dev Every function returns the batch's root and the fault, or reverts; none has consequences. What blobs hold can
/// be opened by whoever has them, whatever members do, so every fault can be shown. Formats stand in docs/net-mode.md.
interface INetProofs {
    /// @notice What is wrong.
    /// @dev Malformed: an element of the records does not begin with a zero byte.
    /// Order: records do not rise strictly. Total: a running total is not that of the record before and this amount.
    /// Net: the last total of a provider or buyer is not its net. NoNet: it has records and no net. NoRecord: it has a
    /// net and no record.
    /// NoDeal: the deal was not there, not netted or closed. Provider, Buyer, Stream: not the deal's own. Worker: not
    /// the provider's, or revoked. Signature: not the worker's over this tally. Cursor: the group does not continue its
    /// stream, or with too few units. Rate, Exposure: more units than the deal lets pass. Amount: not what the units
    /// cost within the budget.
    /// State: the stream or the deal did not stand there before. Link: a group and its deal's record do not name each
    /// other. Root: the net root is not what moving this deal makes it.
    /// Place: the receipts cannot stand there. Receipts: they do not hash to what the worker signed, or are not
    /// canonical.
    enum Fault {
        Malformed,
        Order,
        Total,
        Net,
        NoNet,
        NoRecord,
        NoDeal,
        Provider,
        Buyer,
        Stream,
        Worker,
        Signature,
        Cursor,
        Rate,
        Exposure,
        Amount,
        State,
        Link,
        Root,
        Place,
        Receipts
    }

    /// @notice Whose nets and totals: those of providers and group records, or of buyers and deal records.
    enum Side {
        Providers,
        Buyers
    }

    /// @notice A net batch and its place in the ring.
    /// @param batch Its bytes as they were settled.
    /// @param versionedHashes Of its blobs.
    /// @param previous Net root before it.
    /// @param queueFrom Where the queue of announced groups stood before it.
    /// @param chain Chained hash of the interval before it.
    /// @param time Second on the protocol clock at which it was settled.
    /// @param later `root (32) ‖ facts root (32) ‖ time (4)` of each batch chained after it in the same interval.
    struct NetBatch {
        bytes batch;
        bytes32[] versionedHashes;
        bytes32 previous;
        uint32 queueFrom;
        bytes26 chain;
        uint32 time;
        bytes later;
    }

    /// @notice The first elements of one record.
    /// @param index Of the record among those of its kind.
    /// @param commitment KZG commitment of its blob, 48 bytes.
    /// @param elements As many as are asked for.
    /// @param proofs KZG proofs of the elements, 48 bytes each.
    struct Record {
        uint32 index;
        bytes commitment;
        bytes32[] elements;
        bytes proofs;
    }

    /// @notice Where a deal's streams stood, under the net root named.
    /// @param leaf Bytes of the leaf; empty if there is none.
    /// @param path Of the leaf.
    struct State {
        bytes leaf;
        INets.NetPath path;
    }

    /// @notice What a fault did, as far as it shows whom it harmed.
    /// @dev Of faults of providers' totals and nets, of links, roots and elements without bytes it shows nobody: of
    /// the money they move other records show whose it is.
    /// @param record What is wrong, of which there is one in a batch: kind (1 group, 2 deal, 3 buyer's net) · 2^32 +
    /// index; 0 if the fault shows nobody who was harmed.
    /// @param provider Who was credited; 0 if that is not shown.
    /// @param buyer Who was debited: its index.
    /// @param amount What it should not have paid, settlement token base units.
    /// @param paid The buyer's net in the batch: it paid no more, whatever records say.
    /// @param received The provider's net in the batch.
    /// @param time Second on the protocol clock at which the batch was settled.
    struct Harm {
        uint64 record;
        uint32 provider;
        uint32 buyer;
        uint64 amount;
        uint64 paid;
        uint64 received;
        uint32 time;
    }

    /// @notice The hashes do not lead to what the settlement keeps of this interval.
    error NetProofsNotInRing(uint256 interval);

    /// @notice There is no such record.
    error NetProofsNoSuchRecord(uint256 index, uint256 records);

    /// @notice The number of elements or proofs is not what is asked for.
    error NetProofsIncomplete();

    /// @notice The precompile refuses the opening of this element of the blob.
    error NetProofsBadProof(uint256 element);

    /// @notice The records are not those that have to be shown together.
    error NetProofsWrongRecords();

    /// @notice Everything shown is as it must be.
    error NetProofsNothingWrong();

    /// @notice The deal that stood under this id then is forgotten.
    error NetProofsForgotten(uint256 id);

    /// @notice The settlement whose batches are judged.
    /// @return Its address.
    function SETTLEMENT() external view returns (ITallystick);

    /// @notice An element of a record that carries no bytes: Malformed.
    /// @param batch The batch and its place in the ring.
    /// @param side Whose records.
    /// @param record All its elements up to the one in question, which is the last.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveMalformed(
        NetBatch calldata batch,
        Side side,
        Record calldata record
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice Neighbours out of order or with a wrong running total: Order, Total.
    /// @param batch The batch and its place in the ring.
    /// @param side Whose records.
    /// @param before The record before, unless `record` is the first.
    /// @param record One element of each; of groups two, if the deal's units are what is wrong.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveStep(
        NetBatch calldata batch,
        Side side,
        Record calldata before,
        Record calldata record
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice The end of a run of records whose total is not on the wire: Net, NoNet.
    /// @param batch The batch and its place in the ring.
    /// @param side Whose records.
    /// @param last Last record of its provider or buyer, one element.
    /// @param next The record behind it, one element, unless it is the last of all.
    /// @param net Position of its net among those of its side, or where it would stand.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveNet(
        NetBatch calldata batch,
        Side side,
        Record calldata last,
        Record calldata next,
        uint256 net
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A net of somebody who has no record: NoRecord.
    /// @param batch The batch and its place in the ring.
    /// @param side Whose records.
    /// @param net Position among those of its side.
    /// @param before The last record of somebody lower, one element, unless there is none.
    /// @param next The record behind it, one element, unless it is the last of all. Its index says where the gap is.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveNoRecord(
        NetBatch calldata batch,
        Side side,
        uint256 net,
        Record calldata before,
        Record calldata next
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A group that the chain's own facts refute: NoDeal, Provider, Stream, Worker, Signature, Cursor, Rate,
    /// Exposure, Amount.
    /// @param batch The batch and its place in the ring.
    /// @param group All five elements.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveGroup(
        NetBatch calldata batch,
        Record calldata group
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A group that does not begin where its stream stood, or the first one of a deal that does not begin where
    /// the deal stood: State.
    /// @param batch The batch and its place in the ring.
    /// @param before The record before, one element, unless `group` is the first or its stream is what is wrong.
    /// @param group Two elements.
    /// @param state Of its deal, under the net root before the batch.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveState(
        NetBatch calldata batch,
        Record calldata before,
        Record calldata group,
        State calldata state
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A group and its deal's record that do not name each other: Link.
    /// @param batch The batch and its place in the ring.
    /// @param group Two elements.
    /// @param deal The record it names, one element; ignored if there is no such record.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveLink(
        NetBatch calldata batch,
        Record calldata group,
        Record calldata deal
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A deal's record with another buyer, another amount or groups that are not its own: NoDeal, Buyer, Link,
    /// Amount.
    /// @param batch The batch and its place in the ring.
    /// @param deal One element.
    /// @param first The first group it names, two elements; ignored if there is no such group.
    /// @param last The last group it names, two elements; ignored if there is no such group.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveDeal(
        NetBatch calldata batch,
        Record calldata deal,
        Record calldata first,
        Record calldata last
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice A net root that is not what moving its deal makes it, or a last one that is not on the wire: Root.
    /// @param batch The batch and its place in the ring.
    /// @param before The deal's record before, two elements, unless `deal` is the first.
    /// @param deal Two elements.
    /// @param groups All its groups, one element each.
    /// @param state Of the deal, under the net root before it was moved.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveRoot(
        NetBatch calldata batch,
        Record calldata before,
        Record calldata deal,
        Record[] calldata groups,
        State calldata state
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);

    /// @notice Receipts that are not what was signed: Place, Receipts.
    /// @dev About 54,000 gas an element opened; 256 of them fit one transaction.
    /// @param batch The batch and its place in the ring.
    /// @param group Three elements.
    /// @param skip The group's elements of receipts before the first one opened.
    /// @param elements All of them, or the one that is not canonical; none when their place is wrong.
    /// @param proofs 48 bytes each.
    /// @return root Root of the batch.
    /// @return fault What is wrong.
    /// @return harm What it did to whom.
    function proveReceipts(
        NetBatch calldata batch,
        Record calldata group,
        uint256 skip,
        bytes32[] calldata elements,
        bytes calldata proofs
    ) external view returns (bytes32 root, Fault fault, Harm memory harm);
}
