// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICommittee} from "../../../contracts/interfaces/ICommittee.sol";
import {IDeals} from "../../../contracts/interfaces/IDeals.sol";
import {IEarnings} from "../../../contracts/interfaces/IEarnings.sol";
import {ILedger} from "../../../contracts/interfaces/ILedger.sol";
import {IRegistry} from "../../../contracts/interfaces/IRegistry.sol";
import {Lane, Permit} from "../../../contracts/interfaces/ITypes.sol";
import {Vm} from "./Probe.sol";
import {Steps} from "./Steps.sol";

/// @notice Random but valid calls: whoever acts is entitled to and has what it takes. Every function of the deployment
/// that changes state is called by one of these.
abstract contract Handler is Steps {
    /// @notice Calls that came in, and those that found nothing to do.
    uint256 public calls;
    uint256 public idle;
    /// @notice How often each kind of call did what it is for.
    mapping(string name => uint256 times) public done;
    /// @notice What each provider's cover was last set to.
    mapping(uint256 provider => uint256 amount) public covers;
    uint256 private _valuedAt;

    modifier counted(string memory name) {
        ++calls;
        uint256 before = idle;
        vm.recordLogs();
        _;
        _noteCovers();
        if (idle == before) ++done[name];
    }

    uint256 private constant TWO_SEEDS = 8;

    constructor() {
        for (uint256 i = 0; i < BUYERS; ++i) _fund(i, 100 * USD);
        vm.recordLogs();
        for (uint256 i = 0; i < 2; ++i) _join(i);
        _noteCovers();
    }

    /// @notice Selector of the call named `name`.
    function selectorOf(string calldata name) external pure returns (bytes4) {
        bytes32 hash = keccak256(bytes(name));
        string memory tail = "(uint256)";
        if (hash == keccak256("join") || hash == keccak256("claimFees")) tail = "()";
        for (uint256 i = 0; i < TWO_SEEDS; ++i) if (hash == keccak256(bytes(_twoSeeds(i)))) tail = "(uint256,uint256)";
        return bytes4(keccak256(abi.encodePacked(name, tail)));
    }

    // ---- escrow ----

    function deposit(uint256 who, uint256 amount) external counted("deposit") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        vm.prank(buyer(from));
        dollar.approve(address(tally), amount);
        vm.prank(buyer(from));
        tally.deposit(buyer((who >> 8) % BUYERS), uint64(amount));
    }

    function depositWithPermit(uint256 who, uint256 amount) external counted("depositWithPermit") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        Permit memory permit = _permit(dollar, _buyerKey(from), address(tally), amount);
        vm.prank(buyer(from));
        tally.depositWithPermit(buyer(from), uint64(amount), permit);
    }

    function depositWithAuthorization(uint256 who, uint256 amount) external counted("depositWithAuthorization") {
        uint256 from = who % BUYERS;
        amount = _within(amount, 1, 300 * USD);
        dollar.mint(buyer(from), amount);
        bytes32 salt = keccak256(abi.encode(calls, who));
        Permit memory signed = _authorization(_buyerKey(from), buyer(from), amount, salt);
        vm.prank(RELAYER);
        tally.depositWithAuthorization(buyer(from), buyer(from), uint64(amount), 0, type(uint256).max, salt, signed);
    }

    function depositWithPermit2(uint256 who, uint256 amount) external counted("depositWithPermit2") {
        address from = buyer(who % BUYERS);
        amount = _within(amount, 1, 300 * USD);
        tally.depositWithPermit2(from, from, uint64(amount), calls, type(uint256).max, "");
    }

    function withdraw(uint256 who, uint256 amount) external counted("withdraw") {
        (uint64 free, , ) = tally.account(buyer(who % BUYERS));
        if (free == 0) _fund(who % BUYERS, 10 * USD);
        (free, , ) = tally.account(buyer(who % BUYERS));
        vm.prank(buyer(who % BUYERS));
        tally.withdraw(address(0xdead), uint64(_within(amount, 1, free)));
    }

    function donate(uint256 amount) external counted("donate") {
        dollar.mint(address(tally), amount % USD);
        donated += amount % USD;
    }

    // ---- deals ----

    function openDeal(uint256 seed) external counted("openDeal") {
        _open(seed, false);
    }

    function openDealWithPermit(uint256 seed) external counted("openDealWithPermit") {
        _open(seed, true);
    }

    function topUp(uint256 seed, uint256 amount) external counted("topUp") {
        Job memory self = _jobs[_openJob(seed)];
        if (self.offer.nonce < tally.offerNonce(self.offer.provider)) self = _jobs[_open(seed, false)];
        uint256 room = self.offer.maxBudget - tally.deal(self.id).budget;
        uint256 left = self.offer.total - tally.offerTaken(tally.offerHash(self.offer));
        if (left < room) room = left;
        bool cancelled = self.offer.nonce < tally.offerNonce(self.offer.provider);
        bool exhausted = self.movedUnits * self.offer.price > tally.deal(self.id).budget;
        if (room == 0 || cancelled || exhausted) return _nothing();
        amount = _within(amount, 1, room);
        _fund(self.buyer, amount);
        _coverBond(self.provider, amount);
        vm.prank(buyer(self.buyer));
        tally.topUp(self.id, self.offer, self.nonce, uint64(amount));
    }

    function stop(uint256 seed) external counted("stop") {
        Job memory self = _jobs[_openJob(seed)];
        vm.prank(buyer(self.buyer));
        tally.stop(self.id);
    }

    function close(uint256 seed) external counted("close") {
        uint256 found = _find(seed, IDeals.DealState.Closing);
        if (found == 0) {
            found = _openJob(seed) + 1;
            vm.prank(buyer(_jobs[found - 1].buyer));
            tally.stop(_jobs[found - 1].id);
        }
        _close(found - 1);
    }

    function recycle(uint256 seed) external counted("recycle") {
        uint256 found = _find(seed, IDeals.DealState.Closed);
        if (found == 0) {
            found = _openJob(seed) + 1;
            vm.prank(buyer(_jobs[found - 1].buyer));
            tally.stop(_jobs[found - 1].id);
            _close(found - 1);
        }
        Job storage self = _jobs[found - 1];
        uint256 from = uint256(tally.deal(self.id).closedAt) + tally.parameters().retention;
        if (tally.clock() < from) _pass(from - tally.clock());
        tally.recycle(self.id);
        self.recycled = true;
    }

    function changeKeys(uint256 seed) external counted("changeKeys") {
        uint256 job = _openJob(seed);
        Job memory self = _jobs[job];
        address ackKey = vm.addr(_ackKey(job)); // the same key: the books go on signing with it
        vm.prank(buyer(self.buyer));
        tally.announceDealKeys(self.id, seed % 2 == 0 ? address(0) : ackKey, ackKey);
        _pass(1 days);
        tally.applyDealKeys(self.id);
    }

    function acknowledge(uint256 seed) external counted("acknowledge") {
        uint256 job = _openJob(seed);
        uint8 stream = uint8((seed >> 16) % _jobs[job].streams);
        (, , uint48 known) = tally.stream(_jobs[job].id, stream);
        uint48 units = known + uint48(_within(seed >> 64, 1, 5000));
        bytes memory signature = _acknowledgement(job, stream, 1, units, "");
        tally.acknowledge(_jobs[job].id, stream, 1, units, keccak256(""), signature);
    }

    function cancelOffers(uint256 seed) external counted("cancelOffers") {
        address owner = vm.addr(_sellers[seed % _sellers.length].owner);
        uint64 next = tally.offerNonce(owner) + 1;
        vm.prank(owner);
        tally.cancelOffers(next);
    }

    /// @dev Packs the open deals that are in no page, and of the others those that may move.
    function packDeals(uint256 seed) external counted("packDeals") {
        _openJob(seed);
        uint32[] memory ids = _packable(seed);
        if (ids.length == 0) {
            ids = new uint32[](1);
            ids[0] = _jobs[_open(seed, false)].id;
        }
        tally.packDeals(ids);
    }

    // ---- settling ----

    function settleAcknowledged(uint256 seed) external counted("settleAcknowledged") {
        if (!_settle(seed, Lane.Acknowledged)) _nothing();
    }

    function settleAttested(uint256 seed) external counted("settleAttested") {
        if (!_settle(seed, Lane.Attested)) _nothing();
    }

    function settleForced(uint256 seed) external counted("settleForced") {
        if (!_settle(seed, Lane.Forced)) _nothing();
    }

    /// @dev Settles with as little cover as the provider can be left with, in the lanes that need it.
    function settleUncovered(uint256 seed) external counted("settleUncovered") {
        uint256 job = _openJob(seed);
        Seller memory self = _sellers[_jobs[job].provider];
        for (uint256 i = 0; i < 2; ++i) {
            IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
            if (view_.stake > view_.liens) {
                vm.prank(view_.owner);
                registry.thaw(self.id, view_.stake - view_.liens);
            }
            _settle(seed >> i, i == 0 ? Lane.Attested : Lane.Forced); // refused is as good as settled here
        }
        _stake(_jobs[job].provider, 150 * STAKE);
    }

    // ---- earnings ----

    function claim(uint256 seed) external counted("claim") {
        uint256 seller = seed % _sellers.length;
        if (tally.earnings(_sellers[seller].id).claimable == 0) _settle(seed, Lane.Acknowledged);
        if (tally.earnings(_sellers[seller].id).claimable == 0) return;
        paidOut += tally.claim(_sellers[seller].id);
    }

    function claimFees() external counted("claimFees") {
        (uint64 protocolFee, uint64 committeeFee) = tally.fees();
        tally.claimFees();
        paidOut += uint256(protocolFee) + committeeFee;
    }

    function refreshCover(uint256 seed) external counted("refreshCover") {
        tally.refreshCover(_sellers[seed % _sellers.length].id);
    }

    // ---- registry ----

    function join() external counted("join") {
        if (_sellers.length < MAX_SELLERS) _join(_sellers.length);
    }

    function stake(uint256 seed, uint256 amount) external counted("stake") {
        _stake(seed % _sellers.length, _within(amount, 1, 100 * STAKE));
    }

    function thaw(uint256 seed, uint256 amount) external counted("thaw") {
        uint256 seller = seed % _sellers.length;
        IRegistry.ProviderView memory view_ = registry.providerOf(_sellers[seller].id);
        uint256 free = view_.stake - view_.liens;
        if (free < 10 * STAKE) _stake(seller, free = 100 * STAKE);
        vm.prank(view_.owner);
        registry.thaw(_sellers[seller].id, uint96(_within(amount, 1, free / 4)));
    }

    function withdrawStake(uint256 seed) external counted("withdrawStake") {
        Seller memory self = _sellers[seed % _sellers.length];
        IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
        if (view_.thawedAt == 0) {
            _stake(seed % _sellers.length, STAKE);
            vm.prank(view_.owner);
            registry.thaw(self.id, uint96(STAKE / 2));
            view_ = registry.providerOf(self.id);
        }
        if (tally.clock() < view_.thawedAt) _pass(view_.thawedAt - tally.clock());
        vm.prank(view_.owner);
        registry.withdrawStake(self.id, view_.owner);
    }

    function registerWorkers(uint256 seed) external counted("registerWorkers") {
        _rehire(seed % _sellers.length);
    }

    function revokeWorker(uint256 seed) external counted("revokeWorker") {
        uint256 seller = seed % _sellers.length;
        Hand memory hand = _hand(seller, seed >> 8);
        _rehire(seller);
        uint32 from = tally.clock() + 1 days;
        vm.prank(vm.addr(_sellers[seller].owner));
        registry.revokeWorker(_sellers[seller].id, hand.index, from);
        for (uint256 i = 0; i < _hands.length; ++i) if (_hands[i].index == hand.index) _hands[i].revokedFrom = from;
    }

    function setOperator(uint256 seed) external counted("setOperator") {
        Seller memory self = _sellers[seed % _sellers.length];
        vm.prank(vm.addr(self.owner));
        registry.setOperator(self.id, address(uint160(seed)));
    }

    function changePayout(uint256 seed) external counted("changePayout") {
        Seller memory self = _sellers[seed % _sellers.length];
        address next = vm.addr(_key("payout", seed % 7));
        vm.prank(vm.addr(self.owner));
        registry.proposePayout(self.id, next);
        vm.prank(next);
        registry.acceptPayout(self.id);
        _pass(7 days);
        registry.applyPayout(self.id);
    }

    // ---- governance and time ----

    function setParameters(uint256 seed) external counted("setParameters") {
        ILedger.Parameters memory next = _parameters();
        next.protocolFeeBps = uint16(seed % 501);
        next.committeeFeeBps = uint16((seed >> 16) % 501);
        next.stakeValue = tally.parameters().stakeValue;
        if (tally.clock() >= _valuedAt + DAY) {
            next.stakeValue = uint32(_within(seed >> 32, 900_000, 1_100_000));
            _valuedAt = tally.clock();
        }
        next.coverageBps = uint16(_within(seed >> 64, 8000, 10_000));
        next.bondBps = uint16((seed >> 80) % 2000);
        _pass(1 days); // the stake's value moves once a day at most
        tally.setParameters(next);
    }

    function setTreasuries(uint256 seed) external counted("setTreasuries") {
        tally.setTreasuries(address(uint160(seed) | 1), COMMITTEE_TREASURY);
    }

    function pauseAndWait(uint256 seed) external counted("pauseAndWait") {
        uint32 duration = uint32(_within(seed, 1, 5 hours));
        uint256 rested = uint256(tally.pausedUntil()) + 14 days;
        if (tally.clock() < rested) _pass(rested - tally.clock());
        if (tally.pausedUntil() != 0 && tally.clock() < tally.pausedUntil() + 14 days) duration = 0; // it must rest
        tally.pause(duration);
        registry.pause(duration);
        _pass(duration);
    }

    function setMembers(uint256 seed) external counted("setMembers") {
        ++_epochSeed;
        ICommittee.Member[] memory members = _members();
        committee.setMembers(members, uint8(2));
        vm.prank(members[seed % MEMBERS].signer);
        committee.setEndpoint("http://127.0.0.1");
    }

    function pass(uint256 span) external counted("pass") {
        _pass(_within(span, 1, 30 hours));
    }

    // ---- leaving ----

    /// @notice Everybody leaves by what anyone may call; nothing may stay behind.
    function leaveAll() external {
        for (uint256 i = 0; i < _jobs.length; ++i) if (!_jobs[i].closed) _leaveDeal(i);
        _pass(8 days);
        for (uint256 i = 0; i < _sellers.length; ++i) _leaveSeller(_sellers[i]);
        tally.claimFees();
        for (uint256 i = 0; i < BUYERS; ++i) {
            (uint64 free, , ) = tally.account(buyer(i));
            if (free == 0) continue;
            vm.prank(buyer(i));
            tally.withdraw(buyer(i), free);
        }
    }

    function _leaveDeal(uint256 job) private {
        if (tally.deal(_jobs[job].id).state == IDeals.DealState.Open) {
            vm.prank(buyer(_jobs[job].buyer));
            tally.stop(_jobs[job].id);
        }
        _close(job);
    }

    function _leaveSeller(Seller memory self) private {
        if (tally.earnings(self.id).claimable != 0) tally.claim(self.id);
        IRegistry.ProviderView memory view_ = registry.providerOf(self.id);
        vm.prank(view_.owner);
        if (view_.stake != 0) registry.thaw(self.id, view_.stake);
        _pass(7 days);
        vm.prank(view_.owner);
        registry.withdrawStake(self.id, view_.owner);
    }

    function _nothing() private {
        ++idle;
    }

    function _noteCovers() private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEarnings.CoverSet.selector) continue;
            covers[uint256(logs[i].topics[1])] = abi.decode(logs[i].data, (uint64));
        }
    }

    function _twoSeeds(uint256 index) private pure returns (string memory) {
        string[TWO_SEEDS] memory names = [
            "deposit",
            "depositWithPermit",
            "depositWithAuthorization",
            "depositWithPermit2",
            "withdraw",
            "topUp",
            "stake",
            "thaw"
        ];
        return names[index];
    }
}
