// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {Court} from "./base/Court.sol";
import {IDeals} from "./interfaces/IDeals.sol";
import {IDemands} from "./interfaces/IDemands.sol";
import {IOpenings} from "./interfaces/IOpenings.sol";
import {ITallystick} from "./interfaces/ITallystick.sol";
import {Fault, Offer} from "./interfaces/ITypes.sol";
import {SignatureLib} from "./libraries/SignatureLib.sol";
import {WorkLib} from "./libraries/WorkLib.sol";

/// @title Demands
/// @notice See {IDemands}.
/// @custom:invariant tokens held = what open demands prepaid and what accounts are owed
/// @custom:invariant an answer in time has no consequence but that who gave it is paid
contract Demands is IDemands, Court {
    /// @dev One slot a deal.
    struct Docket {
        uint16[3] open; // by side
        uint16 excuses; // open demands for work and input
        bool excused;
    }

    uint256 private constant PATIENCE = 12 hours;
    /// @dev Bytes of an answer with what its execution costs besides; 40 gas a byte is the floor (EIP-7623).
    uint256 private constant ORDER_BYTES = 3_000;
    uint256 private constant CHUNK_BYTES = 9_000;
    uint256 private constant WORK_BYTES = 12_000;
    /// @dev A side's open demands on one deal: the last one costs 2^15 times what the first did.
    uint256 private constant MOST_OPEN = 16;
    uint256 private constant MAX_PRICE = 2 ** 40;
    uint32 private constant LAPSE_GAS = 400_000;

    /// @inheritdoc IDemands
    uint64 public perKilobyte;

    mapping(bytes32 key => Docket docket) private _dockets;
    /// @dev Hash of the facts, its last five bytes replaced by until (4) and state (1).
    mapping(bytes32 demand => uint256 word) private _demands;
    mapping(bytes32 key => mapping(address orderKey => bool kept)) private _kept;

    constructor(
        address authority,
        ITallystick settlement,
        IOpenings openings,
        uint64 price
    ) Court(authority, settlement, openings) {
        _setPrice(price);
    }

    /// @inheritdoc IDemands
    function demandOrder(uint32 id, Shown calldata shown) external returns (bytes32 demand) {
        (Proven memory proven, IDeals.DealView memory deal) = _prove(id, shown);
        return _demandReceipt(Ask.Order, id, proven, shown.source, _sideOf(deal), 0);
    }

    /// @inheritdoc IDemands
    function demandOutput(uint32 id, Shown calldata shown, uint32 chunk) external returns (bytes32 demand) {
        (Proven memory proven, IDeals.DealView memory deal) = _prove(id, shown);
        Side side = _sideOf(deal);
        require(side == Side.Buyer, CourtUnauthorized(msg.sender));
        return _demandReceipt(Ask.Output, id, proven, shown.source, side, chunk);
    }

    /// @inheritdoc IDemands
    function demandInput(
        uint32 id,
        Order calldata order,
        bytes calldata authority,
        uint32 chunk
    ) external returns (bytes32 demand) {
        IDeals.DealView memory deal = _openDeal(id);
        _requireAuthority(deal, WorkLib.taskHash(deal.key, order), authority);
        Demand memory facts;
        (facts.ask, facts.side, facts.id, facts.key) = (Ask.Input, Side.Provider, id, deal.key);
        (facts.subject, facts.chunk) = (order.inputRoot, chunk);
        return _demand(facts);
    }

    /// @inheritdoc IDemands
    function demandWork(uint32 id, Offer calldata offer, uint64 nonce) external returns (bytes32 demand) {
        IDeals.DealView memory deal = _openDeal(id);
        _requireOffer(deal, offer, nonce);
        uint32 half = deal.openedAt + (deal.end - deal.openedAt) / 2;
        uint32 clock = SETTLEMENT.clock();
        require(clock >= half, CourtWrongTime(clock, half));
        Demand memory facts;
        (facts.ask, facts.side, facts.id, facts.key) = (Ask.Work, Side.Provider, id, deal.key);
        facts.units = uint64(Math.ceilDiv(offer.minBudget, offer.price));
        return _demand(facts);
    }

    /// @inheritdoc IDemands
    function answerOrder(
        Demand calldata facts,
        Work calldata work,
        Order calldata order,
        bytes calldata authority
    ) external {
        require(facts.ask == Ask.Order, DemandsOtherAsk(facts.ask));
        bytes32 task = WorkLib.taskHash(facts.key, order);
        require(work.taskHash == task && WorkLib.workHash(work) == facts.subject, CourtOtherWork(facts.subject));
        require(order.maxUnits >= facts.units, DemandsTooFewUnits(order.maxUnits, facts.units));
        _requireAuthority(SETTLEMENT.deal(facts.id), task, authority);
        _answer(facts);
    }

    /// @inheritdoc IDemands
    function answerOutput(Demand calldata facts, Work calldata work, Chunk calldata chunk) external {
        require(facts.ask == Ask.Output, DemandsOtherAsk(facts.ask));
        require(WorkLib.workHash(work) == facts.subject, CourtOtherWork(facts.subject));
        _requireContent(work.outputRoot, facts.chunk, chunk);
        _answer(facts);
    }

    /// @inheritdoc IDemands
    function answerInput(Demand calldata facts, Chunk calldata chunk) external {
        require(facts.ask == Ask.Input, DemandsOtherAsk(facts.ask));
        _requireContent(facts.subject, facts.chunk, chunk);
        _answer(facts);
    }

    /// @inheritdoc IDemands
    function answerWork(Demand calldata facts, Order[] calldata orders, bytes[] calldata authorities) external {
        require(facts.ask == Ask.Work, DemandsOtherAsk(facts.ask));
        IDeals.DealView memory deal = SETTLEMENT.deal(facts.id);
        require(deal.key == facts.key, CourtNoSuchDeal(facts.id));
        uint256 units = 0;
        for (uint256 i = 0; i < orders.length; ++i) {
            require(i == 0 || orders[i].index > orders[i - 1].index, DemandsNotRising(orders[i].index));
            _requireAuthority(deal, WorkLib.taskHash(facts.key, orders[i]), authorities[i]);
            units += orders[i].maxUnits;
        }
        require(units >= facts.units, DemandsTooFewUnits(units, facts.units));
        _answer(facts);
    }

    /// @inheritdoc IDemands
    function lapse(Demand calldata facts) external {
        uint32 clock = SETTLEMENT.tick();
        bytes32 demand = _close(facts, DemandState.Silent);
        require(clock > facts.until, CourtWrongTime(clock, facts.until));
        owed[facts.by] += facts.prepaid;
        emit Silenced(demand, facts.id, facts);

        if (_isOfProvider(facts.ask)) _excuse(facts);
        else _punish(demand, facts);
    }

    /// @inheritdoc IDemands
    function keepOrderKey(uint32 id) external {
        IDeals.DealView memory deal = SETTLEMENT.deal(id);
        require(deal.state != IDeals.DealState.None, CourtNoSuchDeal(id));
        _kept[deal.key][deal.orderKey] = true;
        emit OrderKeyKept(id, deal.key, deal.orderKey);
    }

    /// @inheritdoc IDemands
    function setPrice(uint64 price) external restricted {
        _setPrice(price);
    }

    /// @inheritdoc IDemands
    function isExcused(bytes32 key) external view returns (bool) {
        Docket storage docket = _dockets[key];
        return docket.excused || docket.excuses != 0;
    }

    /// @inheritdoc IDemands
    function demandOf(bytes32 demand) external view returns (DemandState state, uint32 until) {
        uint256 word = _demands[demand];
        return (DemandState(uint8(word)), uint32(word >> 8));
    }

    /// @inheritdoc IDemands
    function priceOf(bytes32 key, Side side, Ask ask) public view returns (uint64) {
        uint256 size =
            ask == Ask.Order
                ? ORDER_BYTES
                : ask == Ask.Work
                    ? WORK_BYTES
                    : CHUNK_BYTES;
        uint256 open = _dockets[key].open[uint256(side)];
        return uint64(Math.ceilDiv(size * perKilobyte, 1000) << open);
    }

    function _demandReceipt(
        Ask ask,
        uint32 id,
        Proven memory proven,
        Source source,
        Side side,
        uint32 chunk
    ) private returns (bytes32 demand) {
        _requireOpen(id, proven, source);
        Demand memory facts;
        (facts.ask, facts.side, facts.id, facts.key) = (ask, side, id, proven.key);
        (facts.stream, facts.index, facts.units) = (proven.stream, proven.index, proven.units);
        (facts.keep, facts.last) = (proven.keep, proven.last);
        (facts.forced, facts.settledAt) = (proven.forced, proven.settledAt);
        (facts.subject, facts.chunk) = (proven.workHash, chunk);
        demand = _demand(facts);

        SETTLEMENT.beginDispute(id, proven.key);
    }

    function _demand(Demand memory facts) private returns (bytes32 demand) {
        uint32 clock = SETTLEMENT.tick();
        Docket storage docket = _dockets[facts.key];
        uint256 side = uint256(facts.side);
        require(docket.open[side] < MOST_OPEN, DemandsTooMany(facts.key));
        (facts.by, facts.until) = (msg.sender, uint32(clock + PATIENCE));
        facts.prepaid = priceOf(facts.key, facts.side, facts.ask);
        demand = _identity(facts);
        uint256 word = _demands[demand];
        require(word == 0, DemandsAsked(demand, DemandState(uint8(word))));
        _demands[demand] = _wordOf(facts, DemandState.Open);
        ++docket.open[side];
        if (_isOfProvider(facts.ask)) ++docket.excuses;
        emit Demanded(demand, facts.id, facts);

        _pull(facts.prepaid);
    }

    function _answer(Demand calldata facts) private {
        uint32 clock = SETTLEMENT.tick();
        require(clock <= facts.until, CourtWrongTime(clock, facts.until));
        bytes32 demand = _close(facts, DemandState.Answered);
        owed[msg.sender] += facts.prepaid;
        emit Answered(demand, facts.id, msg.sender);

        if (!_isOfProvider(facts.ask)) SETTLEMENT.endDispute(facts.id);
    }

    /// @notice Ends an open demand whose facts these are.
    function _close(Demand calldata facts, DemandState state) private returns (bytes32 demand) {
        demand = _identity(facts);
        require(_demands[demand] == _wordOf(facts, DemandState.Open), CourtOtherFacts(demand));
        _demands[demand] = _wordOf(facts, state);
        Docket storage docket = _dockets[facts.key];
        --docket.open[uint256(facts.side)];
        if (_isOfProvider(facts.ask)) --docket.excuses;
    }

    function _excuse(Demand calldata facts) private {
        _dockets[facts.key].excused = true;
        if (SETTLEMENT.deal(facts.id).key != facts.key) return; // recycled
        SETTLEMENT.excuse(facts.id, facts.key);
    }

    /// @notice Slashes for silence and voids what is unmatured from the receipt on.
    function _punish(bytes32 demand, Demand calldata facts) private {
        Fault fault = facts.ask == Ask.Order ? Fault.Unordered : Fault.Withheld;
        bytes32 evidence = keccak256(abi.encode(uint256(facts.index), demand));
        _penalize(facts.id, facts.key, facts.stream, fault, LAPSE_GAS, facts.by, evidence);
        _void(facts.id, facts.key, facts.stream, facts.keep, facts.last, facts.forced, facts.settledAt);
        SETTLEMENT.endDispute(facts.id);
    }

    function _setPrice(uint64 price) private {
        require(price != 0 && price <= MAX_PRICE, CourtOutOfBounds(price));
        perKilobyte = price;
        emit PriceSet(price);
    }

    /// @notice An Open deal, where the caller is of the provider's side.
    function _openDeal(uint32 id) private view returns (IDeals.DealView memory deal) {
        deal = SETTLEMENT.deal(id);
        require(deal.state == IDeals.DealState.Open, CourtNoSuchDeal(id));
        uint256 latest = deal.end + SETTLEMENT.parameters().closingPeriod - PATIENCE;
        uint32 clock = SETTLEMENT.clock();
        require(clock < latest, CourtWrongTime(clock, uint32(latest)));
        require(REGISTRY.isOperator(deal.provider, msg.sender), CourtUnauthorized(msg.sender));
    }

    function _sideOf(IDeals.DealView memory deal) private view returns (Side) {
        address who = msg.sender;
        if (who == deal.buyer || who == deal.orderKey || who == deal.ackKey) return Side.Buyer;
        return REGISTRY.isOperator(deal.provider, who) ? Side.Provider : Side.Anyone;
    }

    /// @dev No node of the task root's tree passes for a task: a task's hash is one of five words, a node's of two.
    function _requireAuthority(IDeals.DealView memory deal, bytes32 task, bytes calldata authority) private view {
        bool found;
        if (authority.length == SignatureLib.SIZE) {
            address signer = SignatureLib.recover(WorkLib.digest(address(SETTLEMENT), task), authority);
            found = signer != address(0) && (signer == deal.orderKey || _kept[deal.key][signer]);
        } else if (authority.length >= 8) {
            uint256 index = uint32(bytes4(authority));
            uint256 count = uint32(bytes4(authority[4:]));
            bytes32 root = WorkLib.climb(task, index, count, authority[8:]);
            found = root != 0 && root == deal.taskRoot;
        }
        require(found, DemandsNoAuthority(task));
    }

    function _requireContent(bytes32 root, uint256 index, Chunk calldata chunk) private pure {
        bytes32 found = WorkLib.dataRoot(index, chunk.length, chunk.data, chunk.path);
        require(found != 0 && found == root, DemandsOtherContent(root));
    }

    function _identity(Demand memory facts) private pure returns (bytes32) {
        return keccak256(abi.encode(facts.ask, facts.key, facts.stream, facts.index, facts.subject, facts.chunk));
    }

    function _wordOf(Demand memory facts, DemandState state) private pure returns (uint256) {
        uint256 hash = uint256(keccak256(abi.encode(facts)));
        return ((hash >> 40) << 40) | (uint256(facts.until) << 8) | uint256(state);
    }

    function _isOfProvider(Ask ask) private pure returns (bool) {
        return ask == Ask.Input || ask == Ask.Work;
    }
}
